// Bins on a phone: a card each instead of columns, of which only those in view are drawn.

import { Link } from "@tanstack/react-router";
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { memo, useLayoutEffect, useRef, useState } from "react";
import { useFormat } from "../../i18n/format";
import styles from "./BinTable.module.css";
import { Fill } from "./Fill";
import { Attention, LastItem, Online } from "./Status";
import { type BinView, telemetryOf } from "./telemetry";
import { useFleetText } from "./text";

/** The height of a card and the gap below it, in pixels. */
const CARD = 108;

export function BinCards({ bins }: { bins: readonly BinView[] }) {
  const text = useFleetText();
  const list = useRef<HTMLUListElement>(null);
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    if (list.current) setTop(list.current.getBoundingClientRect().top + window.scrollY);
  }, []);
  const cards = useWindowVirtualizer({ count: bins.length, estimateSize: () => CARD, overscan: 5, scrollMargin: top });
  return (
    <ul ref={list} className={styles.cards} style={{ height: cards.getTotalSize() }} aria-label={text("title")}>
      {cards.getVirtualItems().map(({ index, start }) => {
        const bin = bins[index];
        return (
          bin && (
            <li
              key={bin.id}
              style={{ transform: `translateY(${start - top}px)` }}
              aria-posinset={index + 1}
              aria-setsize={bins.length}
            >
              <Card bin={bin} />
            </li>
          )
        );
      })}
    </ul>
  );
}

const Card = memo(function Card({ bin }: { bin: BinView }) {
  const text = useFleetText();
  const format = useFormat();
  const { fill } = telemetryOf(bin);
  return (
    <Link to="/fleet/$bin" params={{ bin: bin.id }} preload={false} className={`card ${styles.card}`}>
      <span className={styles.between}>
        <span className={styles.name}>{bin.name}</span>
        <Online online={bin.online} />
      </span>
      <span className={styles.small}>
        {[bin.model, bin.last_seen_ms ? format.ago(bin.last_seen_ms) : text("never")].filter(Boolean).join(" · ")}
      </span>
      <span className={styles.between}>
        {bin.last_item && <LastItem label={bin.last_item.label} />}
        {fill !== undefined && (
          <span style={{ flex: "1 1 6rem" }}>
            <Fill fill={fill} />
          </span>
        )}
        <Attention bin={bin} />
      </span>
    </Link>
  );
});
