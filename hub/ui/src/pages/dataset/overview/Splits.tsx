// What labelled images are used for.

import { Card } from "../../../components/Card";
import { StackedBars } from "../../../components/StackedBars";
import { useFormat } from "../../../i18n/format";
import { useDatasetText } from "../text";
import { splitColours, splits } from "./splits";

export function Splits({ splits: counts }: { splits: Record<string, number> }) {
  const text = useDatasetText();
  const format = useFormat();
  const total = splits.reduce((sum, split) => sum + (counts[split] ?? 0), 0);
  return (
    <Card title={text("splits")} hint={text("splitsHint")}>
      <StackedBars
        whole={total}
        bars={splits.map((split) => {
          const images = counts[split] ?? 0;
          return {
            key: split,
            label: text(split),
            parts: [{ name: text(split), value: images, colour: splitColours[split] }],
            figure: format.number(images),
            details: `${format.percent(images / Math.max(1, total))} · ${text(`${split}Hint`)}`,
          };
        })}
      />
    </Card>
  );
}
