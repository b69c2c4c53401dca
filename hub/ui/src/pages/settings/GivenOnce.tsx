// A password or secret that the hub shows this once, until somebody has noted it.

import { Button, Code, Group, Modal, Stack, Text } from "@mantine/core";
import { useSettingsText } from "./text";

/** What was given to somebody. */
export interface Given {
  /** Whose it is. */
  name: string;
  /** The password or secret. */
  value: string;
}

export function GivenOnce({
  given,
  title,
  hint,
  label,
  onClose,
}: {
  given: Given | null;
  title: string;
  hint: string;
  label: string;
  onClose: () => void;
}) {
  const text = useSettingsText();
  return (
    // A click beside it must not lose what is shown once.
    <Modal
      opened={given !== null}
      onClose={onClose}
      title={title}
      closeOnClickOutside={false}
      closeButtonProps={{ "aria-label": text("close") }}
    >
      <Stack>
        <Text size="sm">{hint}</Text>
        <Code block aria-label={label}>
          {given?.value}
        </Code>
        <Group justify="flex-end">
          <Button onClick={onClose}>{text("noted")}</Button>
        </Group>
      </Stack>
    </Modal>
  );
}
