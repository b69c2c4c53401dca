// How accuracy grows with the number of labels, and where that leads.

import { Alert, Group, Loader, Progress, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { api, type Schemas, unwrap } from "../../../api/client";
import { Card } from "../../../components/Card";
import { LineChart } from "../../../components/LineChart";
import { Loaded } from "../../../components/states";
import { useFormat } from "../../../i18n/format";
import { useDatasetText } from "../text";
import { drawn, verdict } from "./curve";

/** How often to look for a curve that is being computed, in milliseconds. */
const LOOK_MS = 5_000;

export function Curve() {
  const text = useDatasetText();
  const format = useFormat();
  const found = useQuery({
    queryKey: ["statistics", "learning-curve"],
    queryFn: () => unwrap(api.GET("/api/v1/statistics/learning-curve")),
    refetchInterval: (query) => (query.state.data?.curve ? false : LOOK_MS),
  });
  return (
    <Card title={text("curve")} hint={text("curveHint")}>
      <Loaded query={found}>
        {({ curve, computed_ms }) =>
          curve ? (
            <>
              <Outlook curve={curve} />
              {computed_ms && (
                <Text size="xs" c="dimmed" mt="xs">
                  {text("asOf", { at: format.time(computed_ms) })}
                </Text>
              )}
            </>
          ) : (
            <Computing />
          )
        }
      </Loaded>
    </Card>
  );
}

/** How far the embeddings are, which the curve waits for. */
function Computing() {
  const text = useDatasetText();
  const format = useFormat();
  const { data } = useQuery({
    queryKey: ["review-queue", "embeddings"],
    queryFn: () => unwrap(api.GET("/api/v1/review")),
    refetchInterval: LOOK_MS,
  });
  const embeddings = data?.embeddings;
  const total = embeddings ? embeddings.embedded + embeddings.missing : 0;
  return (
    <div role="status">
      <Group gap="xs">
        <Loader size="xs" />
        <Text size="sm">
          {embeddings && embeddings.missing > 0
            ? text("embedding", { done: format.number(embeddings.embedded), total: format.number(total) })
            : text("computing")}
        </Text>
      </Group>
      {embeddings && embeddings.missing > 0 && (
        <Progress value={(100 * embeddings.embedded) / total} mt="xs" aria-label={text("embeddingBar")} />
      )}
    </div>
  );
}

const colours = { worthwhile: "leaf", enough: "blue", unclear: "yellow", tooFew: "yellow" } as const;

function Outlook({ curve }: { curve: Schemas["LearningCurve"] }) {
  const text = useDatasetText();
  const format = useFormat();
  const said = verdict(curve);
  const last = curve.points.at(-1);
  const chart = useMemo(() => drawn(curve), [curve]);
  return (
    <>
      <Alert color={colours[said]} py="xs" title={text(said)}>
        <Text size="sm">
          {last && curve.outlook
            ? text("outlook", {
                images: format.number(last.images),
                accuracy: format.finePercent(last.accuracy),
                validation: format.number(curve.validation_images),
                more: format.number(curve.outlook.images),
                later: format.finePercent(curve.outlook.accuracy),
                low: format.finePercent(curve.outlook.interval[0] ?? 0),
                high: format.finePercent(curve.outlook.interval[1] ?? 1),
              })
            : text("tooFewHint")}
        </Text>
      </Alert>
      {curve.points.length > 0 && (
        <LineChart
          label={text("curveChart")}
          x={chart.images}
          lines={[
            { label: text("measured"), values: chart.measured, colour: "leaf", points: true },
            ...(chart.expected
              ? [{ label: text("expected"), values: chart.expected, colour: "blue", dashed: true }]
              : []),
          ]}
          format="percent"
          xLabel={text("trainingImages")}
          height={220}
        />
      )}
    </>
  );
}
