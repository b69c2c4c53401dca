// The last report on a version, and a new one on demand.

import { Button, Group, Stack, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, unwrap } from "../../api/client";
import { asApiError } from "../../api/problem";
import { useMay } from "../../api/queries";
import { Empty, ErrorNote, Loading } from "../states";
import { ReportView } from "./ReportView";
import { useReportText } from "./text";

export function ModelReport({ version }: { version: string }) {
  const text = useReportText();
  const path = { version };
  const found = useQuery({
    queryKey: ["models", version, "report"],
    queryFn: () => unwrap(api.GET("/api/v1/models/{version}/report", { params: { path } })),
  });
  if (found.data) {
    return (
      <Stack>
        <ReportView report={found.data} />
        <EvaluateNow version={version} />
      </Stack>
    );
  }
  if (found.isPending) return <Loading lines={6} />;
  if (asApiError(found.error).kind === "not-evaluated") {
    return (
      <Empty title={text("notEvaluated")}>
        <EvaluateNow version={version} />
      </Empty>
    );
  }
  return <ErrorNote error={found.error} retry={() => void found.refetch()} />;
}

/** Measures a version on what is labelled now. */
export function EvaluateNow({ version }: { version: string }) {
  const text = useReportText();
  const admin = useMay("admin");
  const queries = useQueryClient();
  const evaluate = useMutation({
    mutationFn: () => unwrap(api.POST("/api/v1/models/{version}/evaluate", { params: { path: { version } } })),
    onSuccess: (report) => {
      queries.setQueryData(["models", version, "report"], report);
      void queries.invalidateQueries({ queryKey: ["models"], exact: true });
    },
  });
  if (!admin) return null;
  return (
    <Stack gap="xs">
      <Group gap="sm">
        <Button variant="default" loading={evaluate.isPending} onClick={() => evaluate.mutate()}>
          {text("evaluate")}
        </Button>
        <Text size="sm" c="dimmed" role="status">
          {evaluate.isSuccess ? text("evaluated") : evaluate.isPending ? text("evaluating") : text("evaluateHint")}
        </Text>
      </Group>
      {evaluate.isError && <ErrorNote error={evaluate.error} />}
    </Stack>
  );
}
