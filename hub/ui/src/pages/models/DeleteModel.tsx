// Deletes a version, if nothing refers to it; else the hub says what does.

import { Stack } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { api, unwrap } from "../../api/client";
import { Confirm } from "../../components/Confirm";
import { ErrorNote } from "../../components/states";
import { useModelsText } from "./text";

export function DeleteModel({ version }: { version: string }) {
  const text = useModelsText();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const remove = useMutation({
    mutationFn: async () => {
      await unwrap(api.DELETE("/api/v1/models/{version}", { params: { path: { version } } }));
    },
    onSuccess: async () => {
      await navigate({ to: "/models" });
      queries.removeQueries({ queryKey: ["models", version] });
      void queries.invalidateQueries({ queryKey: ["models"] });
    },
  });
  return (
    <Stack gap="xs">
      <Confirm
        variant="default"
        size="sm"
        loading={remove.isPending}
        question={text("deleteQuestion", { version })}
        action={text("delete")}
        onConfirm={() => remove.mutate()}
      >
        {text("delete")}
      </Confirm>
      {remove.isError && <ErrorNote error={remove.error} title={text("notDeleted")} />}
    </Stack>
  );
}
