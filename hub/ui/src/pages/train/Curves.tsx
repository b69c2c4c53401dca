// The curves of a training: loss and accuracy by epoch.

import { SimpleGrid } from "@mantine/core";
import { useMemo } from "react";
import type { Schemas } from "../../api/client";
import { LineChart } from "../../components/LineChart";
import { useTrainText } from "./text";

export function Curves({ history }: { history: Schemas["EpochFigures"][] }) {
  const text = useTrainText();
  const drawn = useMemo(
    () => ({
      epochs: history.map((each) => each.epoch),
      losses: [
        { label: text("trainingLoss"), values: history.map((each) => each.train_loss), colour: "blue", dashed: true },
        { label: text("validationLoss"), values: history.map((each) => each.validation_loss), colour: "orange" },
      ],
      accuracies: [
        { label: text("accuracy"), values: history.map((each) => each.validation_accuracy), colour: "leaf" },
      ],
    }),
    [history, text],
  );
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }}>
      <LineChart label={text("lossChart")} x={drawn.epochs} xLabel={text("epochs")} lines={drawn.losses} height={220} />
      <LineChart
        label={text("accuracyChart")}
        x={drawn.epochs}
        xLabel={text("epochs")}
        lines={drawn.accuracies}
        format="percent"
        height={220}
      />
    </SimpleGrid>
  );
}
