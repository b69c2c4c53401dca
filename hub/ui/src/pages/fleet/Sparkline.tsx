// The confidence of the last items as a small line, the newest at the right; what the bin was unsure of is marked.

import type { ItemSeen } from "../../api/queries";
import styles from "./Sparkline.module.css";

/** Items that it shows. */
const SHOWN = 100;
const WIDTH = 400;
const HEIGHT = 60;
const MARGIN = 4;

/** @param items the newest first */
export function Sparkline({ items, label }: { items: readonly ItemSeen[]; label: string }) {
  const shown = items.slice(0, SHOWN).reverse();
  const x = (at: number) => MARGIN + (at / Math.max(shown.length - 1, 1)) * (WIDTH - 2 * MARGIN);
  const y = (confidence: number) => MARGIN + (1 - confidence) * (HEIGHT - 2 * MARGIN);
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} className={styles.line} role="img" aria-label={label}>
      <line x1="0" x2={WIDTH} y1={y(0.5)} y2={y(0.5)} className={styles.half} />
      <polyline
        points={shown.map(({ confidence }, at) => `${x(at)},${y(confidence)}`).join(" ")}
        className={styles.confidence}
      />
      {shown.map(
        (item, at) =>
          !item.sure && (
            <rect
              key={item.id}
              x={x(at) - 3}
              y={y(item.confidence) - 3}
              width="6"
              height="6"
              className={styles.unsure}
            />
          ),
      )}
    </svg>
  );
}
