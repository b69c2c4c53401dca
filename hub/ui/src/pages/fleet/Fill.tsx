// How full a bin is, as a bar with its figure.

import { useFormat } from "../../i18n/format";
import styles from "./Status.module.css";
import { NEARLY_FULL } from "./telemetry";

/** @param fill 0 to 1 */
export function Fill({ fill, large = false }: { fill: number; large?: boolean }) {
  const format = useFormat();
  return (
    <span
      className={styles.fill}
      style={large ? ({ "--bar": "1rem", fontSize: "inherit" } as React.CSSProperties) : undefined}
    >
      <span className={styles.bar} aria-hidden>
        <span className={fill >= NEARLY_FULL ? styles.much : undefined} style={{ width: `${fill * 100}%` }} />
      </span>
      <span className="figures">{format.percent(fill)}</span>
    </span>
  );
}
