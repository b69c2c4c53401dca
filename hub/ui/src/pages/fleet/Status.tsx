// Whether a bin is connected, what a person should look at, and what it saw: by sign and word, not by colour alone.

import { IconAlertTriangle, IconCircleCheck, IconPlugConnectedX } from "@tabler/icons-react";
import { classColour, useClassName } from "../../i18n/classes";
import styles from "./Status.module.css";
import { type BinView, type Concern, concernsOf } from "./telemetry";
import { type FleetText, useFleetText } from "./text";

/** What a concern is called. */
export function concernName(text: FleetText, concern: Concern): string {
  return text(`concern_${concern}`);
}

export function Online({ online }: { online: boolean }) {
  const text = useFleetText();
  return (
    <span className={`${styles.line} ${online ? styles.good : styles.bad}`}>
      {online ? <IconCircleCheck size={16} aria-hidden /> : <IconPlugConnectedX size={16} aria-hidden />}
      {text(online ? "online" : "offline")}
    </span>
  );
}

/** What is wrong besides the connection. */
export function Attention({ bin }: { bin: BinView }) {
  const text = useFleetText();
  const found = concernsOf(bin).filter((concern) => concern !== "offline");
  const [first, ...others] = found;
  if (!first) return null;
  const concern = concernName(text, first);
  return (
    <span
      className={`${styles.line} ${styles.attention}`}
      title={found.map((each) => concernName(text, each)).join(", ")}
    >
      <IconAlertTriangle size={16} aria-hidden />
      {others.length > 0 ? text("concernAndMore", { concern, more: others.length }) : concern}
    </span>
  );
}

/** A class, as a word with its colour. */
export function LastItem({ label }: { label: string }) {
  const name = useClassName();
  return (
    <span className={styles.line}>
      <span className={styles.swatch} style={{ background: `var(--mantine-color-${classColour(label)}-6)` }} />
      {name(label)}
    </span>
  );
}
