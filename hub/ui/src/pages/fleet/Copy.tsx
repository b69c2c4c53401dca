// A text to take along, with a button that copies it.

import { Button, Code, CopyButton, Group } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { useFleetText } from "./text";

/** @param label what it is */
export function Copy({ value, label }: { value: string; label: string }) {
  const text = useFleetText();
  return (
    <Group align="flex-start" gap="xs" wrap="nowrap">
      <Code block aria-label={label} style={{ flex: 1, minWidth: 0, whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
        {value}
      </Code>
      <CopyButton value={value}>
        {({ copied, copy }) => (
          <Button
            variant="default"
            size="compact-md"
            onClick={copy}
            leftSection={copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
            aria-label={text("copyOf", { what: label })}
          >
            {text(copied ? "copied" : "copy")}
          </Button>
        )}
      </CopyButton>
    </Group>
  );
}
