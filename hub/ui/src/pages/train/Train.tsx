// Trainings: start one, watch it, and see what came of it and of those before.

import { SimpleGrid, Stack } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import type { Schemas } from "../../api/client";
import { useLive } from "../../api/live";
import { status, trainingStatus, useMay } from "../../api/queries";
import { LevelCard } from "../../components/model/LevelCard";
import { ErrorNote, Loading, PageHead } from "../../components/states";
import { useAddress } from "../../components/useAddress";
import { History } from "./History";
import { Outcome } from "./Outcome";
import { Running } from "./Running";
import { Start } from "./Start";
import { Training } from "./Training";
import { useTrainText } from "./text";

type Progress = Schemas["TrainingStatus"];

export function Train() {
  const text = useTrainText();
  const [address] = useAddress();
  const training = Number(address.training);
  return (
    <>
      <PageHead title={text("title")} hint={text("hint")} />
      {address.training && Number.isInteger(training) ? <Training id={training} /> : <Now />}
    </>
  );
}

function Now() {
  const admin = useMay("admin");
  const queries = useQueryClient();
  const progress = useQuery(trainingStatus);
  const hub = useQuery(status);
  useLive((event) => {
    if (event.type !== "training") return;
    // Its steps come faster than the status is read.
    queries.setQueryData<Progress>(trainingStatus.queryKey, (before) =>
      before && before.id === event.id ? { ...before, ...stepOf(event) } : before,
    );
  });
  // A hub that restarts answers again soon; what is known stays on the page until then.
  if (progress.isPending) return <Loading lines={6} />;
  if (!progress.data) return <ErrorNote error={progress.error} retry={() => void progress.refetch()} />;
  const now = progress.data;
  return (
    <Stack>
      {now.in_progress && <Running progress={now} />}
      {!now.in_progress && now.id !== null && now.id !== undefined && <Outcome progress={now} />}
      <SimpleGrid cols={{ base: 1, lg: admin && !now.in_progress ? 2 : 1 }} style={{ alignItems: "start" }}>
        {admin && !now.in_progress && <Start />}
        {hub.data && <LevelCard level={hub.data.ai_level} />}
      </SimpleGrid>
      <History />
    </Stack>
  );
}

function stepOf(event: Schemas["TrainingProgress"]): Partial<Progress> {
  return {
    state: event.state,
    in_progress: event.state === "running" || event.state === "queued",
    phase: event.phase,
    current_epoch: event.epoch,
    total_epochs: event.epochs,
    progress: event.progress,
    message: event.message,
    accuracy: event.accuracy,
    loss: event.loss,
  };
}
