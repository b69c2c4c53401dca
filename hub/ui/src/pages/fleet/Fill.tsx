// How full a bin is, as a bar with its figure.

import { Group, Progress, Text } from "@mantine/core";
import { useFormat } from "../../i18n/format";
import { NEARLY_FULL } from "./telemetry";
import { useFleetText } from "./text";

/** @param fill 0 to 1 */
export function Fill({ fill, size = "md" }: { fill: number; size?: string }) {
  const text = useFleetText();
  const format = useFormat();
  return (
    <Group gap={6} wrap="nowrap">
      <Progress
        value={fill * 100}
        size={size}
        color={fill >= NEARLY_FULL ? "orange" : undefined}
        style={{ flex: 1, minWidth: 40 }}
        aria-label={text("fill")}
      />
      <Text size="sm" className="figures">
        {format.percent(fill)}
      </Text>
    </Group>
  );
}
