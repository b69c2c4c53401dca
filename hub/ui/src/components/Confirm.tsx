// A button whose action cannot be taken back, and so is asked for twice.

import { Button, type ButtonProps, Group, Popover, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import type { ReactNode } from "react";
import { texts } from "../i18n";
import en from "./Confirm.en.json";
import id from "./Confirm.id.json";

const useText = texts("confirm", { en, id });

/** @param question what will happen, in one sentence */
export function Confirm({
  question,
  action,
  onConfirm,
  children,
  ...props
}: { question: ReactNode; action: string; onConfirm: () => void } & ButtonProps & { children: ReactNode }) {
  const text = useText();
  const [open, { toggle, close }] = useDisclosure(false);
  return (
    <Popover
      opened={open}
      onChange={(opened) => !opened && close()}
      width={300}
      position="bottom-end"
      trapFocus
      withArrow
    >
      <Popover.Target>
        <Button {...props} onClick={toggle}>
          {children}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <Stack gap="sm">
          <Text size="sm">{question}</Text>
          <Group justify="flex-end" gap="xs">
            <Button size="compact-md" variant="default" onClick={close} data-autofocus>
              {text("cancel")}
            </Button>
            <Button
              size="compact-md"
              color="red"
              onClick={() => {
                close();
                onConfirm();
              }}
            >
              {action}
            </Button>
          </Group>
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}
