// What a person may do with a rollout: hold it, let it go on, end it, begin it anew.

import { Button, Group, Stack } from "@mantine/core";
import { IconCheck, IconPlayerPause, IconPlayerPlay, IconRefresh, IconX } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, type Schemas, unwrap } from "../../api/client";
import { Confirm } from "../../components/Confirm";
import { ErrorNote } from "../../components/states";
import { type Action, actionsOf } from "./phase";
import { useRolloutsText } from "./text";

/** Keys of what an action changes. */
const stale = ["rollouts", "rollout", "models"];

const icons = {
  approve: IconCheck,
  pause: IconPlayerPause,
  resume: IconPlayerPlay,
  retry: IconRefresh,
  cancel: IconX,
} as const;

export function Actions({ rollout }: { rollout: Pick<Schemas["RolloutView"], "id" | "phase" | "version" | "before"> }) {
  const text = useRolloutsText();
  const queries = useQueryClient();
  const act = useMutation({
    mutationFn: (action: Action) =>
      unwrap(api.POST(`/api/v1/rollouts/{id}/${action}`, { params: { path: { id: rollout.id } } })),
    onSettled: () => {
      for (const key of stale) void queries.invalidateQueries({ queryKey: [key] });
    },
  });
  return (
    <Stack gap="xs">
      <Group gap="xs">
        {actionsOf(rollout.phase).map((action) => {
          const Icon = icons[action];
          const shared = {
            size: "sm",
            leftSection: <Icon size={16} />,
            loading: act.isPending && act.variables === action,
          } as const;
          return action === "cancel" ? (
            <Confirm
              key={action}
              {...shared}
              variant="outline"
              color="red"
              question={text("cancelQuestion", { version: rollout.version, before: rollout.before })}
              action={text("cancel")}
              onConfirm={() => act.mutate(action)}
            >
              {text("cancel")}
            </Confirm>
          ) : (
            <Button
              key={action}
              {...shared}
              variant={action === "approve" || action === "resume" ? "filled" : "default"}
              onClick={() => act.mutate(action)}
            >
              {text(action)}
            </Button>
          );
        })}
      </Group>
      {act.isError && <ErrorNote error={act.error} />}
    </Stack>
  );
}
