// Whether a bin is connected, and what a person should look at: by sign and word, not by colour alone.

import { Badge, Group, Text } from "@mantine/core";
import { IconAlertTriangle, IconCircleCheck, IconPlugConnectedX } from "@tabler/icons-react";
import { type BinView, type Concern, concernsOf } from "./telemetry";
import { type FleetText, useFleetText } from "./text";

/** What a concern is called. */
export function concernName(text: FleetText, concern: Concern): string {
  return text(`concern_${concern}`);
}

export function Online({ online }: { online: boolean }) {
  const text = useFleetText();
  return (
    <Group gap={4} wrap="nowrap" component="span">
      {online ? (
        <IconCircleCheck size={16} color="var(--mantine-color-green-6)" aria-hidden />
      ) : (
        <IconPlugConnectedX size={16} color="var(--mantine-color-error)" aria-hidden />
      )}
      <Text span size="sm">
        {text(online ? "online" : "offline")}
      </Text>
    </Group>
  );
}

/** What is wrong besides the connection. */
export function Attention({ bin }: { bin: BinView }) {
  const text = useFleetText();
  const found = concernsOf(bin).filter((concern) => concern !== "offline");
  const [first, ...others] = found;
  if (!first) return null;
  const all = found.map((concern) => concernName(text, concern)).join(", ");
  return (
    <Badge
      color="orange"
      variant="light"
      tt="none"
      leftSection={<IconAlertTriangle size={12} aria-hidden />}
      title={all}
    >
      {others.length > 0
        ? text("concernAndMore", { concern: concernName(text, first), more: others.length })
        : concernName(text, first)}
    </Badge>
  );
}
