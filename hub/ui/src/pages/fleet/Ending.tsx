// A new secret for a bin, and its end.

import { Button, Group, Modal, Stack, Text, Title } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { api, unwrap } from "../../api/client";
import { Confirm } from "../../components/Confirm";
import { ErrorNote } from "../../components/states";
import { Secret } from "./Secret";
import { useFleetText } from "./text";

export function Ending({ id }: { id: string }) {
  const text = useFleetText();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const path = { params: { path: { id } } };
  const renew = useMutation({ mutationFn: () => unwrap(api.POST("/api/v1/bins/{id}/secret", path)) });
  const retire = useMutation({
    mutationFn: () => unwrap(api.DELETE("/api/v1/bins/{id}", path)),
    onSuccess: async () => {
      await navigate({ to: "/fleet" });
      await queries.invalidateQueries({ queryKey: ["bins"] });
    },
  });
  const error = renew.error ?? retire.error;
  return (
    <section className="card">
      <Title order={2} size="h4" mb="xs">
        {text("ending")}
      </Title>
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          {text("endingHint")}
        </Text>
        <Group gap="xs">
          <Confirm
            variant="default"
            question={text("newSecretQuestion")}
            action={text("newSecret")}
            onConfirm={() => renew.mutate()}
            loading={renew.isPending}
          >
            {text("newSecret")}
          </Confirm>
          <Confirm
            variant="outline"
            color="red"
            question={text("retireQuestion")}
            action={text("retire")}
            onConfirm={() => retire.mutate()}
            loading={retire.isPending}
          >
            {text("retire")}
          </Confirm>
        </Group>
        {error && <ErrorNote error={error} />}
      </Stack>
      <Modal
        opened={renew.data !== undefined}
        onClose={renew.reset}
        title={text("newSecret")}
        size="lg"
        closeOnClickOutside={false}
        closeOnEscape={false}
        closeButtonProps={{ "aria-label": text("close") }}
      >
        {renew.data && (
          <Stack>
            <Secret enrolled={renew.data} />
            <Group justify="flex-end">
              <Button onClick={renew.reset}>{text("noted")}</Button>
            </Group>
          </Stack>
        )}
      </Modal>
    </section>
  );
}
