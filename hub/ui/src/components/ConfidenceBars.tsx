// How likely each class is, as bars, the likeliest first.

import { Progress, Text } from "@mantine/core";
import { classColour, useClassName } from "../i18n/classes";
import { useFormat } from "../i18n/format";
import styles from "./ConfidenceBars.module.css";

/** @param probabilities by class, 0 to 1 */
export function ConfidenceBars({ probabilities }: { probabilities: Readonly<Record<string, number>> }) {
  const name = useClassName();
  const format = useFormat();
  const ranked = Object.entries(probabilities).sort(([, a], [, b]) => b - a);
  return (
    <ul className={styles.bars}>
      {ranked.map(([label, probability], rank) => (
        <li key={label} className={styles.bar}>
          <Text size="sm" fw={rank === 0 ? 600 : 400}>
            {name(label)}
          </Text>
          <Progress value={probability * 100} color={`${classColour(label)}.6`} size="lg" aria-hidden />
          <Text size="sm" ta="right" className="figures" fw={rank === 0 ? 600 : 400}>
            {format.finePercent(probability)}
          </Text>
        </li>
      ))}
    </ul>
  );
}
