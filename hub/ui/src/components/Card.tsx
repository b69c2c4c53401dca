// A part of a page with its own heading.

import { Box, Group, Text, Title } from "@mantine/core";
import { type ReactNode, useId } from "react";

export function Card({
  title,
  hint,
  actions,
  children,
}: {
  title: string;
  hint?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}) {
  const heading = useId();
  return (
    <Box component="section" className="card" aria-labelledby={heading}>
      <Group justify="space-between" align="flex-start" mb="sm" gap="xs">
        <Box flex={1} miw={200}>
          <Title order={2} size="h5" id={heading}>
            {title}
          </Title>
          {hint && (
            <Text component="div" size="sm" c="dimmed">
              {hint}
            </Text>
          )}
        </Box>
        {actions}
      </Group>
      {children}
    </Box>
  );
}
