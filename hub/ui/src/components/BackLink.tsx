// The way back from one thing to the list of all.

import { Anchor, Group } from "@mantine/core";
import { IconArrowLeft } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";

/** @param to the address of the list */
export function BackLink({ to, children }: { to: string; children: ReactNode }) {
  return (
    <Anchor component={Link} to={to} search={{} as never} fz="sm">
      <Group gap={4}>
        <IconArrowLeft size={16} />
        {children}
      </Group>
    </Anchor>
  );
}
