// Says with one click what a photo truly shows; it is then kept for the next training.

import { Alert, Button, Group, Text, Title } from "@mantine/core";
import { IconCheck } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, type Schemas, unwrap } from "../../api/client";
import { asApiError } from "../../api/problem";
import { classes as classesQuery } from "../../api/queries";
import { ErrorNote } from "../../components/states";
import { classColour, useClassName } from "../../i18n/classes";
import { useClassifyText } from "./text";

type Report = Schemas["FileReport"];

/** What became of it: it is new, was there already, or was there with another label, which it no longer has. */
type Kept = { label: string; outcome: "stored" | "duplicate" | "relabelled" };

export function Correct({ file, guess }: { file: File; guess: string }) {
  const text = useClassifyText();
  const name = useClassName();
  const queries = useQueryClient();
  const { data } = useQuery(classesQuery);
  const correct = useMutation({
    mutationFn: (label: string) => keep(file, label),
    onSuccess: () => {
      for (const key of ["classes", "status", "statistics"]) void queries.invalidateQueries({ queryKey: [key] });
    },
  });
  const labels = data?.classes.map((each) => each.label) ?? [];
  if (labels.length === 0) return null;
  return (
    <section className="card" aria-label={text("correct")}>
      <Title order={2} size="h5">
        {text("correct")}
      </Title>
      {correct.data ? (
        <Alert mt="xs" icon={<IconCheck />} role="status">
          {text(correct.data.outcome, { label: name(correct.data.label) })}
        </Alert>
      ) : (
        <Text size="sm" c="dimmed">
          {text("correctHint")}
        </Text>
      )}
      <Group gap="xs" mt="sm">
        {labels.map((label) => (
          <Button
            key={label}
            variant={label === guess ? "outline" : "light"}
            color={classColour(label)}
            leftSection={correct.data?.label === label && <IconCheck size={16} />}
            loading={correct.isPending && correct.variables === label}
            disabled={correct.isPending || correct.data?.label === label}
            onClick={() => correct.mutate(label)}
          >
            {name(label)}
          </Button>
        ))}
      </Group>
      {correct.isError && (
        <div style={{ marginTop: "0.75rem" }}>
          <ErrorNote error={correct.error} retry={() => correct.variables && correct.mutate(correct.variables)} />
        </div>
      )}
    </section>
  );
}

async function keep(file: File, label: string): Promise<Kept> {
  const form = new FormData();
  form.append("label", label);
  form.append("file", file, file.name);
  try {
    const answer = await unwrap(
      api.POST("/api/upload-training", { body: form as never, bodySerializer: (body) => body as never }),
    );
    return { label, outcome: answer.files[0]?.outcome === "duplicate" ? "duplicate" : "stored" };
  } catch (error) {
    // The very image is there with another label: it gets this one.
    const [report] = (asApiError(error).extra.files ?? []) as Report[];
    if (!report?.sample) throw error;
    const path = { id: report.sample };
    await unwrap(api.POST("/api/v1/samples/{id}/label", { params: { path }, body: { label } }));
    return { label, outcome: "relabelled" };
  }
}
