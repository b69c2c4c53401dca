// How a training stands, as a badge.

import { Badge } from "@mantine/core";
import { useTrainText } from "./text";

const states = {
  queued: { colour: "gray", text: "queued" },
  running: { colour: "blue", text: "stateRunning" },
  succeeded: { colour: "leaf", text: "succeeded" },
  failed: { colour: "red", text: "failed" },
  cancelled: { colour: "yellow", text: "cancelled" },
} as const;

export function State({ state }: { state: string }) {
  const text = useTrainText();
  const known = states[state as keyof typeof states];
  return (
    <Badge variant="light" color={known?.colour ?? "gray"} tt="none">
      {known ? text(known.text) : state}
    </Badge>
  );
}
