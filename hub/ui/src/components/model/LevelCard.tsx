// How far the hub's model has come, and what it takes to the next level.

import { Group, List, RingProgress, Text } from "@mantine/core";
import { IconTrophy } from "@tabler/icons-react";
import type { Schemas } from "../../api/client";
import { useFormat } from "../../i18n/format";
import { Card } from "../Card";
import { HubWords } from "../HubWords";
import { levelName, stepOf } from "./level";
import { useModelText } from "./text";

const highest = 6;

export function LevelCard({ level }: { level: Schemas["Level"] }) {
  const text = useModelText();
  const format = useFormat();
  const name = levelName(level.name);
  return (
    <Card title={text("level")} hint={text("levelHint")}>
      <Group wrap="nowrap" align="center">
        <RingProgress
          size={104}
          thickness={9}
          roundCaps
          sections={[{ value: (100 * level.level) / highest, color: "leaf" }]}
          aria-hidden
          label={
            <Text ta="center" size="xl" fw={700}>
              {level.level}
            </Text>
          }
        />
        <div>
          <Text fw={650} size="lg">
            {name ? text(name) : level.name}
          </Text>
          <Text size="sm" c="dimmed">
            {text("levelSoFar", {
              level: level.level,
              highest,
              trainings: format.number(level.trainings),
              reviewed: format.number(level.reviewed),
            })}
          </Text>
        </div>
      </Group>
      {level.next.length > 0 ? (
        <>
          <Text size="sm" mt="sm" fw={600}>
            {text("nextLevel")}
          </Text>
          <List size="sm" spacing={2}>
            {level.next.map((words) => (
              <List.Item key={words}>
                <Step words={words} />
              </List.Item>
            ))}
          </List>
        </>
      ) : (
        <Group gap="xs" mt="sm">
          <IconTrophy size={18} />
          <Text size="sm">{text("highestLevel")}</Text>
        </Group>
      )}
    </Card>
  );
}

function Step({ words }: { words: string }) {
  const text = useModelText();
  const format = useFormat();
  const step = stepOf(words);
  if (!step) return <HubWords>{words}</HubWords>;
  switch (step.kind) {
    case "trainings":
      return text("moreTrainings", { count: step.count });
    case "reviewed":
      return text("moreReviewed", { count: step.count, samples: format.number(step.count) });
    case "accuracy":
      return step.now === null
        ? text("measuredAccuracy", { wanted: format.percent(step.wanted) })
        : text("moreAccuracy", { wanted: format.percent(step.wanted), now: format.percent(step.now) });
  }
}
