// Precision and recall of each class.

import { Group, Text } from "@mantine/core";
import type { Schemas } from "../../api/client";
import { classColour, useClassName } from "../../i18n/classes";
import { useFormat } from "../../i18n/format";
import { Card } from "../Card";
import { StackedBars } from "../StackedBars";
import { useReportText } from "./text";

export function PerClass({ classes }: { classes: Schemas["ClassFigures"][] }) {
  const text = useReportText();
  const name = useClassName();
  const format = useFormat();
  return (
    <Card title={text("perClass")} hint={text("perClassHint")}>
      <Group align="flex-start" grow preventGrowOverflow={false} gap="lg">
        {(["precision", "recall"] as const).map((figure) => (
          <div key={figure} style={{ flex: "1 1 15rem", maxWidth: "none" }}>
            <Text size="sm" fw={600} mb={4}>
              {text(figure)}
            </Text>
            <StackedBars
              whole={1}
              bars={classes.map((each) => ({
                key: each.label,
                label: name(each.label),
                parts: [{ name: text(figure), value: each[figure], colour: `${classColour(each.label)}.6` }],
                figure: each.images === 0 && figure === "recall" ? "–" : format.percent(each[figure]),
                details: figure === "recall" ? text("ofImages", { count: each.images }) : undefined,
              }))}
            />
          </div>
        ))}
      </Group>
    </Card>
  );
}
