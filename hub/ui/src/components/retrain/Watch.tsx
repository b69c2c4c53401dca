// A training as one watches it: the bar, what it does now, the loss as a line, and the log.

import { Alert, Button, Group, Progress, ScrollArea, Stack, Text } from "@mantine/core";
import { useEffect, useRef } from "react";
import { condensed, losses, type TrainingEvent } from "./events";
import { describe, type RetrainText } from "./text";

export function Watch({
  events,
  isLost,
  ending,
  onCancel,
  text,
}: {
  events: readonly TrainingEvent[];
  isLost: boolean;
  ending: boolean;
  onCancel: () => void;
  text: RetrainText;
}) {
  const last = events.at(-1);
  return (
    <Stack gap="xs">
      <Group justify="space-between" wrap="nowrap">
        <Text size="sm" fw={600} role="status">
          {last ? describe(last, text) : text("sending")}
        </Text>
        <Button variant="default" size="compact-md" onClick={onCancel} disabled={ending}>
          {text(ending ? "ending" : "cancel")}
        </Button>
      </Group>
      <Progress.Root size="lg">
        <Progress.Section
          value={last?.progress ?? 100}
          animated={!last}
          striped={!last}
          aria-label={text("progress")}
        />
      </Progress.Root>
      {isLost && <Alert color="yellow">{text("lost")}</Alert>}
      <Losses values={losses(events)} label={text("losses")} />
      <Log events={events} text={text} />
    </Stack>
  );
}

/** What was done, line by line. */
export function Log({ events, text }: { events: readonly TrainingEvent[]; text: RetrainText }) {
  const end = useRef<HTMLDivElement>(null);
  const lines = condensed(events);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each new line is scrolled to
  useEffect(() => {
    end.current?.scrollTo?.({ top: end.current.scrollHeight });
  }, [lines.length]);
  if (lines.length === 0) return null;
  return (
    <ScrollArea.Autosize
      mah={180}
      type="auto"
      viewportRef={end}
      viewportProps={{ tabIndex: 0, role: "log", "aria-label": text("log") }}
    >
      <ol style={{ margin: 0, paddingInlineStart: "1.5rem" }}>
        {lines.map((event, line) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: lines are only added at the end
          <Text component="li" size="sm" c="dimmed" key={line}>
            {describe(event, text)}
          </Text>
        ))}
      </ol>
    </ScrollArea.Autosize>
  );
}

/** The loss as a line, from the first epoch to the present one. */
function Losses({ values, label }: { values: number[]; label: string }) {
  if (values.length < 3) return null;
  const most = Math.max(...values);
  const least = Math.min(...values);
  const points = values.map((value, at) => {
    const x = (at / (values.length - 1)) * 100;
    return `${x},${28 - ((value - least) / (most - least || 1)) * 26}`;
  });
  return (
    <svg viewBox="0 0 100 30" preserveAspectRatio="none" width="100%" height="48" role="img" aria-label={label}>
      <polyline
        points={points.join(" ")}
        fill="none"
        stroke="var(--mantine-primary-color-filled)"
        strokeWidth="2"
        vectorEffect="non-scaling-stroke"
      />
    </svg>
  );
}
