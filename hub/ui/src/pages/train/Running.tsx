// A training that waits or runs: its phase, how far it is, how long it still takes, its curves and its log.

import { Alert, Group, Progress, SimpleGrid, Stack, Stepper, Text } from "@mantine/core";
import { IconPlugConnectedX, IconRefresh } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { api, type Schemas, unwrap } from "../../api/client";
import { useConnection } from "../../api/live";
import { trainingStatus, useMay } from "../../api/queries";
import { Card } from "../../components/Card";
import { Confirm } from "../../components/Confirm";
import { HubWords } from "../../components/HubWords";
import { Stat } from "../../components/Stat";
import { ErrorNote } from "../../components/states";
import { useFormat } from "../../i18n/format";
import { Curves } from "./Curves";
import { observed, remaining, type Seen } from "./eta";
import { Log } from "./Log";
import { useTrainText } from "./text";

const phases = ["queued", "embedding", "fitting", "evaluating"] as const;

/** How often the log of a training that runs is read, in milliseconds. */
const LOG_MS = 3_000;

export function Running({ progress }: { progress: Schemas["TrainingStatus"] }) {
  const text = useTrainText();
  const format = useFormat();
  const admin = useMay("admin");
  const connection = useConnection();
  const left = useRemaining(progress);
  const phase = Math.max(
    0,
    phases.findIndex((each) => each === (progress.phase || "queued")),
  );
  const id = progress.id ?? 0;
  // The hub's own words say the same as the figures, once there are any.
  const counted = progress.phase === "embedding" || progress.current_epoch > 0;
  return (
    <Card
      title={text("running", { id })}
      hint={counted ? undefined : <HubWords>{progress.message}</HubWords>}
      actions={admin && <Cancel id={id} />}
    >
      <Stack>
        {connection === "lost" && (
          <Alert color="yellow" icon={<IconPlugConnectedX />} title={text("hubGone")}>
            {text("hubGoneHint")}
          </Alert>
        )}
        {(progress.attempt ?? 0) > 1 && (
          <Alert color="blue" icon={<IconRefresh />} py="xs">
            {progress.resumed_from
              ? text("resumed", { epoch: format.number(progress.resumed_from) })
              : text("takenUpAgain")}
          </Alert>
        )}
        <Stepper active={phase} size="xs" iconSize={26} allowNextStepsSelect={false} wrap>
          {phases.map((each, step) => (
            <Stepper.Step
              key={each}
              label={text(each)}
              loading={step === phase && connection !== "lost"}
              aria-current={step === phase ? "step" : undefined}
            />
          ))}
        </Stepper>
        <div>
          <Group justify="space-between" mb={4}>
            <Text size="sm" className="figures" role="status">
              {progress.phase === "embedding"
                ? text("images", {
                    done: format.number(progress.images_done),
                    total: format.number(progress.images_total),
                  })
                : progress.total_epochs > 0 && progress.current_epoch > 0
                  ? text("epoch", {
                      epoch: format.number(progress.current_epoch),
                      epochs: format.number(progress.total_epochs),
                    })
                  : text("starting")}
            </Text>
            <Text size="sm" c="dimmed" className="figures">
              {left === null ? text("reckoning") : text("atMost", { left: format.duration(left) })}
            </Text>
          </Group>
          <Progress
            value={progress.progress}
            size="xl"
            animated
            aria-label={text("progress")}
            transitionDuration={300}
          />
        </div>
        <SimpleGrid cols={{ base: 2, sm: 4 }}>
          <Stat label={text("done")} value={format.percent(progress.progress / 100)} />
          <Stat
            label={text("accuracy")}
            value={share(progress.accuracy, format.finePercent)}
            hint={text("onValidation")}
          />
          <Stat label={text("loss")} value={share(progress.loss, format.decimal)} hint={text("onTraining")} />
          <Stat
            label={text("validationLoss")}
            value={share(progress.validation_loss, format.decimal)}
            hint={text("onValidation")}
          />
        </SimpleGrid>
        {progress.history.length > 1 && <Curves history={progress.history} />}
        <RunningLog id={id} />
      </Stack>
    </Card>
  );
}

const share = (value: number | null | undefined, write: (value: number) => string) =>
  value === null || value === undefined ? "–" : write(value);

function useRemaining(progress: Schemas["TrainingStatus"]): number | null {
  const [seen, setSeen] = useState<readonly Seen[]>([]);
  const [now, setNow] = useState(Date.now);
  const embedding = progress.phase === "embedding";
  const done = embedding ? progress.images_done : progress.current_epoch;
  const total = embedding ? progress.images_total : progress.total_epochs;
  const phase = `${progress.id} ${progress.attempt} ${progress.phase}`;
  useEffect(() => {
    const at = Date.now();
    setSeen((before) => observed(before, { phase, done, total, at }));
    setNow(at);
  }, [phase, done, total]);
  useEffect(() => {
    const clock = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(clock);
  }, []);
  return progress.phase === "evaluating" ? null : remaining(seen, now);
}

function RunningLog({ id }: { id: number }) {
  const found = useQuery({
    queryKey: ["trainings", id],
    queryFn: () => unwrap(api.GET("/api/v1/trainings/{id}", { params: { path: { id } } })),
    refetchInterval: LOG_MS,
  });
  return found.data ? <Log entries={found.data.log} /> : null;
}

function Cancel({ id }: { id: number }) {
  const text = useTrainText();
  const queries = useQueryClient();
  const cancel = useMutation({
    mutationFn: () => unwrap(api.POST("/api/v1/trainings/{id}/cancel", { params: { path: { id } } })),
    onSettled: () => {
      void queries.invalidateQueries({ queryKey: trainingStatus.queryKey });
      void queries.invalidateQueries({ queryKey: ["trainings"] });
    },
  });
  return (
    <Stack gap="xs">
      <Confirm
        variant="default"
        size="sm"
        loading={cancel.isPending}
        question={text("cancelQuestion")}
        action={text("cancelIt")}
        onConfirm={() => cancel.mutate()}
      >
        {text("cancel")}
      </Confirm>
      {cancel.isError && <ErrorNote error={cancel.error} />}
    </Stack>
  );
}
