// One training: its curves, its parameters, its log, and all that came of it.

import { Anchor, Group, SimpleGrid, Stack, Table, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { api, type Schemas, unwrap } from "../../api/client";
import { BackLink } from "../../components/BackLink";
import { Card } from "../../components/Card";
import { HubWords } from "../../components/HubWords";
import { GateReport } from "../../components/model/GateReport";
import { ModelReport } from "../../components/report/ModelReport";
import { Stat } from "../../components/Stat";
import { Loaded } from "../../components/states";
import { useFormat } from "../../i18n/format";
import { Curves } from "./Curves";
import { Log } from "./Log";
import { State } from "./State";
import { Thresholds } from "./Thresholds";
import { useTrainText } from "./text";

/** How often a training that is not over is read, in milliseconds. */
const LOOK_MS = 3_000;

const isOver = (state: string | undefined) => state !== "queued" && state !== "running";

export function Training({ id }: { id: number }) {
  const text = useTrainText();
  const found = useQuery({
    queryKey: ["trainings", id],
    queryFn: () => unwrap(api.GET("/api/v1/trainings/{id}", { params: { path: { id } } })),
    refetchInterval: (query) => (isOver(query.state.data?.state) ? false : LOOK_MS),
  });
  return (
    <Stack>
      <BackLink to="/train">{text("all")}</BackLink>
      <Loaded query={found} lines={8}>
        {(training) => <Found training={training} />}
      </Loaded>
    </Stack>
  );
}

function Found({ training }: { training: Schemas["TrainingView"] }) {
  const text = useTrainText();
  const format = useFormat();
  const { report } = training;
  const thresholds = report?.thresholds ?? [];
  return (
    <Stack>
      <Group gap="sm">
        <Title order={2} size="h3">
          {text("number", { id: training.id })}
        </Title>
        <State state={training.state} />
        <Text size="sm" c="dimmed">
          {format.time(training.started_ms)}
        </Text>
        {training.model && (
          <Anchor component={Link} to="/models/$version" params={{ version: training.model } as never}>
            {training.model}
          </Anchor>
        )}
      </Group>
      {!report && <HubWords size="sm">{training.message}</HubWords>}
      {report && <Figures report={report} />}
      {training.history.length > 1 && (
        <Card
          title={text("curves")}
          hint={report ? text("bestEpoch", { epoch: report.fitting.best_epoch }) : undefined}
        >
          <Curves history={training.history} />
        </Card>
      )}
      <SimpleGrid cols={{ base: 1, lg: 2 }} style={{ alignItems: "start" }}>
        {report && (
          <Card title={text("gate")}>
            <GateReport verdict={report.gate} />
          </Card>
        )}
        <Stack miw={0}>
          {thresholds.length > 0 && <Thresholds thresholds={thresholds} />}
          <Parameters params={training.params as Record<string, unknown>} />
          <Card title={text("whatHappened")}>
            <Log entries={training.log} />
          </Card>
        </Stack>
      </SimpleGrid>
      {training.model && <ModelReport version={training.model} />}
    </Stack>
  );
}

function Figures({ report }: { report: Schemas["TrainReport"] }) {
  const text = useTrainText();
  const format = useFormat();
  const { splits, embedding, fitting } = report;
  return (
    <SimpleGrid cols={{ base: 2, md: 4 }}>
      <Stat
        label={text("learntFrom")}
        value={format.number(splits.train)}
        hint={text("otherSplits", { validation: format.number(splits.validation), test: format.number(splits.test) })}
      />
      <Stat
        label={text("fitting")}
        value={format.duration(1000 * fitting.seconds)}
        hint={text("epochCount", { count: fitting.epochs })}
      />
      <Stat
        label={text("embedding")}
        value={format.duration(1000 * embedding.seconds)}
        hint={text("embeddedCount", {
          computed: format.number(embedding.computed),
          cached: format.number(embedding.cached),
        })}
      />
      {report.compared_with && (
        <Stat
          label={text("before", { model: report.compared_with.model })}
          value={format.finePercent(report.compared_with.accuracy)}
          hint={text("sameImages")}
        />
      )}
    </SimpleGrid>
  );
}

function Parameters({ params }: { params: Record<string, unknown> }) {
  const text = useTrainText();
  const given = Object.entries(params).filter(([, value]) => value !== null && value !== undefined);
  return (
    <Card title={text("parametersGiven")}>
      {given.length === 0 ? (
        <Text size="sm">{text("allDefaults")}</Text>
      ) : (
        <Table verticalSpacing={4} fz="sm">
          <Table.Tbody>
            {given.map(([name, value]) => (
              <Table.Tr key={name}>
                <Table.Th scope="row" fw={400}>
                  {name in parameterTexts ? text(parameterTexts[name as keyof typeof parameterTexts]) : name}
                </Table.Th>
                <Table.Td ta="right" className="figures">
                  {Array.isArray(value) ? value.join(", ") : String(value)}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Card>
  );
}

/** What the parameters are called, by the hub's names. */
const parameterTexts = {
  epochs: "epochs",
  patience: "patience",
  hidden: "hidden",
  learning_rate: "learning_rate",
  batch_size: "batch_size",
  weight_decay: "weight_decay",
  input_dropout: "input_dropout",
  dropout: "dropout",
  label_smoothing: "label_smoothing",
  mixup: "mixup",
  seed: "seed",
  accepted_contamination: "contamination",
  class_weights: "classWeights",
  labels: "classes",
} as const;
