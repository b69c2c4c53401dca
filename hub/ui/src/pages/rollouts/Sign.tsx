// The sign of how a bin stands.

import { ThemeIcon } from "@mantine/core";
import { IconCheck, IconClock, IconDownload, IconPlugConnectedX, IconX } from "@tabler/icons-react";
import type { Standing } from "./progress";

const signs = {
  inForce: { icon: IconCheck, colour: "leaf" },
  fetching: { icon: IconDownload, colour: "blue" },
  waiting: { icon: IconClock, colour: "yellow" },
  offline: { icon: IconPlugConnectedX, colour: "gray" },
  refused: { icon: IconX, colour: "red" },
} as const;

/** It says nothing by itself: the words stand beside it. */
export function Sign({ standing }: { standing: Standing }) {
  const { icon: Icon, colour } = signs[standing];
  return (
    <ThemeIcon size="sm" radius="xl" variant="light" color={colour} aria-hidden style={{ verticalAlign: "middle" }}>
      <Icon size={14} />
    </ThemeIcon>
  );
}
