// What became of the files, in figures.

import { Group, Text } from "@mantine/core";
import { useFormat } from "../../i18n/format";
import type { Status } from "./batch";
import { useUploadText } from "./text";

const shown: readonly Status[] = ["stored", "duplicate", "refused", "failed", "sending", "ready", "held"];

export function Report({ counts }: { counts: Record<Status, number> }) {
  const text = useUploadText();
  const format = useFormat();
  return (
    <Group gap="lg" mt="xs" role="status">
      {shown
        .filter((status) => counts[status] > 0)
        .map((status) => (
          <Text size="sm" key={status} component="span">
            <Text span fw={650} className="figures">
              {format.number(counts[status])}
            </Text>{" "}
            <Text span c="dimmed">
              {text(`${status}Count`)}
            </Text>
          </Text>
        ))}
    </Group>
  );
}
