// All trainings, newest first.

import { Anchor, Button, Group, Table, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { api, type Schemas, unwrap } from "../../api/client";
import { Card } from "../../components/Card";
import { Scrolls } from "../../components/Scrolls";
import { Empty, Loaded } from "../../components/states";
import { useFormat } from "../../i18n/format";
import { State } from "./State";
import { useTrainText } from "./text";

const few = 20;
const most = 200;

export function History() {
  const text = useTrainText();
  const [limit, setLimit] = useState(few);
  const found = useQuery({
    queryKey: ["trainings", "list", limit],
    queryFn: () => unwrap(api.GET("/api/v1/trainings", { params: { query: { limit } } })),
    placeholderData: (before) => before,
  });
  return (
    <Card title={text("history")}>
      <Loaded query={found}>
        {({ trainings }) =>
          trainings.length === 0 ? (
            <Empty title={text("none")}>{text("noneHint")}</Empty>
          ) : (
            <>
              <Trainings trainings={trainings} />
              {trainings.length === few && limit === few && (
                <Group justify="center" mt="sm">
                  <Button variant="default" size="sm" onClick={() => setLimit(most)}>
                    {text("older")}
                  </Button>
                </Group>
              )}
            </>
          )
        }
      </Loaded>
    </Card>
  );
}

function Trainings({ trainings }: { trainings: Schemas["TrainingView"][] }) {
  const text = useTrainText();
  const format = useFormat();
  return (
    <Scrolls label={text("history")}>
      <Table verticalSpacing="xs" miw={620} highlightOnHover>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{text("training")}</Table.Th>
            <Table.Th>{text("state")}</Table.Th>
            <Table.Th>{text("model")}</Table.Th>
            <Table.Th ta="right">{text("accuracy")}</Table.Th>
            <Table.Th ta="right">{text("gate")}</Table.Th>
            <Table.Th ta="right">{text("took")}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {trainings.map((training) => (
            <Table.Tr key={training.id}>
              <Table.Td>
                <Anchor component={Link} to="/train" search={{ training: training.id } as never} fz="sm">
                  {text("number", { id: training.id })}
                </Anchor>
                <Text size="xs" c="dimmed">
                  {format.time(training.started_ms)}
                </Text>
              </Table.Td>
              <Table.Td>
                <State state={training.state} />
              </Table.Td>
              <Table.Td>
                {training.model ? (
                  <Anchor component={Link} to="/models/$version" params={{ version: training.model } as never} fz="sm">
                    {training.model}
                  </Anchor>
                ) : (
                  "–"
                )}
              </Table.Td>
              <Table.Td ta="right" className="figures">
                {training.report ? format.finePercent(training.report.accuracy) : "–"}
              </Table.Td>
              <Table.Td ta="right">
                {training.report ? text(training.report.gate.passed ? "passed" : "refused") : "–"}
              </Table.Td>
              <Table.Td ta="right" className="figures">
                {training.finished_ms ? format.duration(training.finished_ms - training.started_ms) : "–"}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Scrolls>
  );
}
