// One figure with what it counts.

import { Stack, Text } from "@mantine/core";
import type { ReactNode } from "react";

export function Stat({ label, value, hint }: { label: string; value: ReactNode; hint?: ReactNode }) {
  return (
    <Stack gap={0} className="card">
      <Text size="sm" c="dimmed">
        {label}
      </Text>
      <Text component="div" size="xl" fw={650} className="figures">
        {value}
      </Text>
      {hint && (
        <Text component="div" size="xs" c="dimmed">
          {hint}
        </Text>
      )}
    </Stack>
  );
}
