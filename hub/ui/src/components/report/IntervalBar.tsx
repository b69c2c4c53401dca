// A share with the interval that it surely lies in, on a scale of 0 to 100 %.

import { Box, Text } from "@mantine/core";
import { useFormat } from "../../i18n/format";
import styles from "./IntervalBar.module.css";
import { useReportText } from "./text";

/** @param interval its 95 % interval */
export function IntervalBar({ share, interval }: { share: number; interval?: number[] | null }) {
  const text = useReportText();
  const format = useFormat();
  const [low, high] = interval ?? [];
  const known = low !== undefined && high !== undefined;
  return (
    <Box>
      <Text span fw={650} className="figures">
        {format.finePercent(share)}
      </Text>{" "}
      {known && (
        <Text span size="xs" c="dimmed" className="figures">
          {text("interval", { low: format.percent(low), high: format.percent(high) })}
        </Text>
      )}
      <div className={styles.scale} aria-hidden>
        {known && (
          <span className={styles.interval} style={{ left: `${100 * low}%`, width: `${100 * (high - low)}%` }} />
        )}
        <span className={styles.mark} style={{ left: `${100 * share}%` }} />
      </div>
    </Box>
  );
}
