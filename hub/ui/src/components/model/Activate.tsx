// Puts a version into service; one that the gate refused needs a reason, which is recorded.

import { Alert, Button, type ButtonProps, Group, Modal, Stack, Text, Textarea } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconRocket } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, type ReactNode, useState } from "react";
import { api, type Schemas, unwrap } from "../../api/client";
import { ErrorNote } from "../states";
import { useModelText } from "./text";

/** Keys of what shows which model is in service. */
const stale = ["models", "rollout", "status", "bins"];

export function Activate({
  model,
  children,
  ...props
}: { model: Pick<Schemas["ModelView"], "version" | "gate">; children?: ReactNode } & ButtonProps) {
  const text = useModelText();
  const [open, { open: show, close }] = useDisclosure(false);
  return (
    <>
      <Button leftSection={<IconRocket size={18} />} {...props} onClick={show}>
        {children ?? text("activate")}
      </Button>
      {open && <Dialog model={model} onClose={close} />}
    </>
  );
}

function Dialog({ model, onClose }: { model: Pick<Schemas["ModelView"], "version" | "gate">; onClose: () => void }) {
  const text = useModelText();
  const queries = useQueryClient();
  const [reason, setReason] = useState("");
  const refused = model.gate ? !model.gate.passed : false;
  const activate = useMutation({
    mutationFn: () =>
      unwrap(
        api.POST("/api/v1/models/{version}/activate", {
          params: { path: { version: model.version } },
          body: refused ? { reason: reason.trim() } : {},
        }),
      ),
    onSuccess: () => {
      for (const key of stale) void queries.invalidateQueries({ queryKey: [key] });
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    activate.mutate();
  };
  return (
    <Modal
      opened
      onClose={onClose}
      title={text("activateTitle", { version: model.version })}
      closeButtonProps={{ "aria-label": text("close") }}
      centered
    >
      <form onSubmit={submit}>
        <Stack>
          <Text size="sm">{text("activateHint")}</Text>
          {refused && (
            <>
              <Alert color="red" title={text("gateRefused")}>
                {(model.gate?.rules ?? [])
                  .filter((rule) => !rule.passed)
                  .map((rule) => (
                    <Text key={rule.rule} size="sm" lang="en">
                      {rule.reason}
                    </Text>
                  ))}
              </Alert>
              <Textarea
                label={text("reason")}
                description={text("reasonHint")}
                required
                withAsterisk={false}
                rows={3}
                value={reason}
                onChange={(event) => setReason(event.currentTarget.value)}
                data-autofocus
              />
            </>
          )}
          {activate.isError && <ErrorNote error={activate.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {text("cancel")}
            </Button>
            <Button
              type="submit"
              color={refused ? "red" : undefined}
              loading={activate.isPending}
              disabled={refused && reason.trim() === ""}
            >
              {text(refused ? "activateAnyway" : "activate")}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
