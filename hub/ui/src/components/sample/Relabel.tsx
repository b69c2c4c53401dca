// Gives a sample another label, takes it out, or takes its label back.

import { Button, Group, Stack, Text } from "@mantine/core";
import { IconCheck } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, unwrap } from "../../api/client";
import { classes } from "../../api/queries";
import { classColour, useClassName } from "../../i18n/classes";
import { ErrorNote, Loaded } from "../states";
import { useSampleText } from "./text";

/** What takes a sample out of the dataset. */
const unusable = "unusable";

export function Relabel({ id, label }: { id: string; label: string | null }) {
  const text = useSampleText();
  const name = useClassName();
  const queries = useQueryClient();
  const known = useQuery(classes);
  const change = useMutation({
    mutationFn: (to: string | null) =>
      unwrap(api.POST("/api/v1/samples/{id}/label", { params: { path: { id } }, body: { label: to } })),
    onSuccess: () => {
      for (const key of ["search", "sample", "statistics", "classes", "models"]) {
        void queries.invalidateQueries({ queryKey: [key] });
      }
    },
  });
  const present = change.data && change.data.id === id ? (change.data.label ?? null) : label;

  return (
    <Stack gap="xs">
      <Text size="sm" fw={600}>
        {text("relabel")}
      </Text>
      <Loaded query={known} lines={1}>
        {(found) => (
          <Group gap={6} role="group" aria-label={text("relabel")}>
            {[...found.classes.map((each) => each.label), unusable].map((each) => (
              <Button
                key={each}
                size="compact-sm"
                variant={present === each ? "outline" : "light"}
                leftSection={present === each ? <IconCheck size={14} /> : undefined}
                color={each === unusable ? "gray" : classColour(each)}
                aria-pressed={present === each}
                disabled={change.isPending}
                onClick={() => present !== each && change.mutate(each)}
              >
                {name(each)}
              </Button>
            ))}
            {present !== null && (
              <Button
                size="compact-sm"
                variant="default"
                disabled={change.isPending}
                onClick={() => change.mutate(null)}
              >
                {text("takeBack")}
              </Button>
            )}
          </Group>
        )}
      </Loaded>
      <Text size="xs" c="dimmed" role="status">
        {change.isSuccess && change.data.id === id
          ? text("relabelled", { label: present ? name(present) : text("unlabelled") })
          : ""}
      </Text>
      {change.isError && <ErrorNote error={change.error} />}
    </Stack>
  );
}
