// How often each model was right in the field, over time and in all.

import { Group, Skeleton, Table, Text, Title } from "@mantine/core";
import type { UseQueryResult } from "@tanstack/react-query";
import { lazy, Suspense, useMemo } from "react";
import type { Schemas } from "../../api/client";
import { Scrolls } from "../../components/Scrolls";
import { Empty, Loaded } from "../../components/states";
import { useFormat } from "../../i18n/format";
import { accuracyOverTime } from "./accuracy";
import { useHomeText } from "./text";

// Charts come after the rest of the page, which is the first that most people see.
const LineChart = lazy(async () => ({ default: (await import("../../components/LineChart")).LineChart }));

/** The height of the chart, in pixels. */
const HEIGHT = 260;

/** Colours of models, in the order of their first item. */
const colours = ["leaf", "blue", "orange", "violet", "pink", "cyan", "yellow"];

/** The last models that are drawn and listed: more are not told apart. */
const MOST_MODELS = 6;

/** The least range of the vertical axis. */
const range: [number, number] = [0, 1];

export function Field({ query }: { query: UseQueryResult<Schemas["FieldReport"]> }) {
  const text = useHomeText();
  const format = useFormat();
  return (
    <section className="card" aria-label={text("field")}>
      <Title order={2} size="h5">
        {text("field")}
      </Title>
      <Loaded query={query} lines={6}>
        {(report) =>
          report.points.length === 0 ? (
            <Empty title={text("noField")}>{text("noFieldHint")}</Empty>
          ) : (
            <>
              <Text size="sm" c="dimmed" mb="xs">
                {text("fieldHint")}
              </Text>
              <Chart report={report} />
              <Scrolls label={text("field")}>
                <Table mt="sm" verticalSpacing={4}>
                  <Table.Thead>
                    <Table.Tr>
                      <Table.Th>{text("modelColumn")}</Table.Th>
                      <Table.Th ta="right">{text("rightColumn")}</Table.Th>
                      <Table.Th ta="right">{text("sureRightColumn")}</Table.Th>
                      <Table.Th ta="right">{text("itemsColumn")}</Table.Th>
                    </Table.Tr>
                  </Table.Thead>
                  <Table.Tbody className="figures">
                    {report.models.slice(-MOST_MODELS).map((model) => (
                      <Table.Tr key={model.model}>
                        <Table.Td>
                          <Group gap={6} wrap="nowrap">
                            {model.model}
                          </Group>
                        </Table.Td>
                        <Table.Td ta="right" fw={600}>
                          {format.percent(model.right / model.items)}
                        </Table.Td>
                        <Table.Td ta="right">
                          {model.sure > 0 ? format.percent(model.sure_right / model.sure) : "–"}
                        </Table.Td>
                        <Table.Td ta="right">{format.number(model.items)}</Table.Td>
                      </Table.Tr>
                    ))}
                  </Table.Tbody>
                </Table>
              </Scrolls>
            </>
          )
        }
      </Loaded>
    </section>
  );
}

function Chart({ report }: { report: Schemas["FieldReport"] }) {
  const text = useHomeText();
  const series = useMemo(() => {
    const { x, models } = accuracyOverTime(report.points);
    const first = Math.max(0, models.length - MOST_MODELS);
    const lines = models.slice(first).map(({ model, shares }, place) => ({
      label: model,
      values: shares,
      colour: colours[(first + place) % colours.length] ?? "leaf",
      dots: true,
    }));
    return { x, lines };
  }, [report.points]);
  return (
    <Suspense fallback={<Skeleton height={HEIGHT} />}>
      <LineChart label={text("field")} time format="percent" range={range} height={HEIGHT} {...series} />
    </Suspense>
  );
}
