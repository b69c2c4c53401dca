// A difference with the interval that it surely lies in, and what is tolerated, around nothing in the middle.

import { useFormat } from "../../i18n/format";
import styles from "./Field.module.css";
import { useRolloutsText } from "./text";

/** The picture's size, in units of its own. */
const WIDTH = 200;
const HEIGHT = 26;

/**
 * @param reach the difference at either end of the scale
 * @param bad the side on which a difference is bad: −1, 1, or 0 for both
 */
export function Interval({
  value,
  interval,
  tolerance,
  reach,
  bad,
}: {
  value: number;
  interval: [number, number];
  tolerance: number;
  reach: number;
  bad: -1 | 0 | 1;
}) {
  const text = useRolloutsText();
  const format = useFormat();
  const x = (share: number) => (WIDTH / 2) * (1 + Math.max(-1, Math.min(1, share / reach)));
  const [low, high] = interval;
  const label = text("between", { low: format.points(low), high: format.points(high) });
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} className={styles.scale} role="img" aria-label={label}>
      <title>{label}</title>
      {bad <= 0 && <rect className={styles.bad} x={0} y={0} width={x(-tolerance)} height={HEIGHT} rx={3} />}
      {bad >= 0 && (
        <rect className={styles.bad} x={x(tolerance)} y={0} width={WIDTH - x(tolerance)} height={HEIGHT} rx={3} />
      )}
      <line className={styles.zero} x1={WIDTH / 2} x2={WIDTH / 2} y1={0} y2={HEIGHT} />
      <line
        className={styles.interval}
        x1={x(low)}
        x2={Math.max(x(high), x(low) + 1)}
        y1={HEIGHT / 2}
        y2={HEIGHT / 2}
      />
      <circle className={styles.mark} cx={x(value)} cy={HEIGHT / 2} r={4.5} />
    </svg>
  );
}
