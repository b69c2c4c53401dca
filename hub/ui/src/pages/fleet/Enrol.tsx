// Enrolling a bin: its id and name, then its secret.

import { Button, Group, Modal, Stack, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, unwrap } from "../../api/client";
import { ErrorNote } from "../../components/states";
import { Secret } from "./Secret";
import { useFleetText } from "./text";

/** What an id is made of, as the hub checks it. */
const idPattern = /^[a-z0-9_-]{1,64}$/;

export function Enrol({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const text = useFleetText();
  const queries = useQueryClient();
  const [id, setId] = useState("");
  const [name, setName] = useState("");
  const enrol = useMutation({
    mutationFn: () => unwrap(api.POST("/api/v1/bins", { body: { id, name: name.trim() } })),
    onSuccess: () => void queries.invalidateQueries({ queryKey: ["bins"] }),
  });
  const close = () => {
    onClose();
    enrol.reset();
    setId("");
    setName("");
  };
  const isBad = id !== "" && !idPattern.test(id);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (idPattern.test(id)) enrol.mutate();
  };
  return (
    // A click beside it must not lose a secret that is shown once.
    <Modal
      opened={opened}
      onClose={close}
      title={enrol.data ? text("enrolled", { id: enrol.data.id }) : text("enrol")}
      size="lg"
      closeOnClickOutside={!enrol.data}
      closeOnEscape={!enrol.data}
      closeButtonProps={{ "aria-label": text("close") }}
    >
      {enrol.data ? (
        <Stack>
          <Secret enrolled={enrol.data} />
          <Group justify="flex-end">
            <Button onClick={close}>{text("noted")}</Button>
          </Group>
        </Stack>
      ) : (
        <form onSubmit={submit}>
          <Stack>
            <TextInput
              label={text("id")}
              description={text("idHint")}
              error={isBad ? text("idBad") : undefined}
              value={id}
              onChange={(event) => setId(event.currentTarget.value)}
              required
              withAsterisk={false}
              maxLength={64}
              autoCapitalize="none"
              spellCheck={false}
              data-autofocus
            />
            <TextInput
              label={text("name")}
              description={text("nameHint")}
              value={name}
              maxLength={80}
              onChange={(event) => setName(event.currentTarget.value)}
            />
            {enrol.error && <ErrorNote error={enrol.error} />}
            <Group justify="flex-end">
              <Button type="submit" loading={enrol.isPending} disabled={id === "" || isBad}>
                {text("enrol")}
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </Modal>
  );
}
