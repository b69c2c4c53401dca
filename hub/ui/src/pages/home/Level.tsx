// How far the model has come, and what it takes to the next level.

import { Progress, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { status as statusQuery } from "../../api/queries";
import { useFormat } from "../../i18n/format";
import { levelName } from "./Figures";
import { useHomeText } from "./text";

export function Level() {
  const text = useHomeText();
  const format = useFormat();
  const { data } = useQuery(statusQuery);
  if (!data) return null;
  const { level, wants, trainings, reviewed, accuracy } = data.ai_level;
  if (!wants) return null;
  const steps = [
    { key: "trainings", now: trainings, wanted: wants.trainings, write: format.number },
    { key: "reviewed", now: reviewed, wanted: wants.reviewed, write: format.number },
    { key: "accuracy", now: accuracy ?? 0, wanted: wants.accuracy, write: format.percent },
  ] as const;
  return (
    <section className="card" aria-label={text("nextLevel")}>
      <Title order={2} size="h5">
        {text("toLevel", { level: level + 1, name: text(levelName(level + 1)) })}
      </Title>
      <Stack gap="xs" mt="sm">
        {steps
          .filter((step) => step.wanted > 0)
          .map(({ key, now, wanted, write }) => (
            <div key={key}>
              <Text size="sm">
                {text(key, { now: write(now), wanted: write(wanted) })}
                {now >= wanted && ` ${text("reached")}`}
              </Text>
              <Progress value={Math.min(100, (100 * now) / wanted)} mt={4} aria-hidden />
            </div>
          ))}
      </Stack>
    </section>
  );
}
