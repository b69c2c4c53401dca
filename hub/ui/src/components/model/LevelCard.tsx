// How far the hub's model has come, and what it takes to the next level.

import { Group, RingProgress, Text } from "@mantine/core";
import { IconTrophy } from "@tabler/icons-react";
import type { Schemas } from "../../api/client";
import { useFormat } from "../../i18n/format";
import { Card } from "../Card";
import { type Bar, StackedBars } from "../StackedBars";
import { useModelText } from "./text";

const names = ["newborn", "beginner", "learner", "capable", "skilled", "expert", "master"] as const;

const highest = names.length - 1;

/** Gives the name of a level of 0 to 6. */
export function useLevelName(): (level: number) => string {
  const text = useModelText();
  return (level) => text(names[level] ?? "master");
}

export function LevelCard({ level }: { level: Schemas["Level"] }) {
  const text = useModelText();
  const format = useFormat();
  const name = useLevelName();
  return (
    <Card title={text("level")} hint={text("levelHint")}>
      <Group wrap="nowrap" align="center" mb="sm">
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
            {name(level.level)}
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
      {level.wants ? (
        <Wants level={level} wants={level.wants} />
      ) : (
        <Group gap="xs">
          <IconTrophy size={18} />
          <Text size="sm">{text("highestLevel")}</Text>
        </Group>
      )}
    </Card>
  );
}

/** What there is of each thing that the next level wants. */
function Wants({ level, wants }: { level: Schemas["Level"]; wants: Schemas["LevelWants"] }) {
  const text = useModelText();
  const format = useFormat();
  const bar = (key: string, label: string, there: number, wanted: number, write: (value: number) => string): Bar => ({
    key,
    label,
    // A thing that is not wanted is there.
    parts: [{ name: label, value: wanted > 0 ? Math.min(1, there / wanted) : 1, colour: "leaf.6" }],
    figure: there >= wanted ? text("reached") : text("ofWanted", { there: write(there), wanted: write(wanted) }),
  });
  return (
    <>
      <Text size="sm" fw={600} mb={4}>
        {text("nextLevel")}
      </Text>
      <StackedBars
        whole={1}
        bars={[
          bar("trainings", text("trainings"), level.trainings, wants.trainings, format.number),
          bar("reviewed", text("reviewed"), level.reviewed, wants.reviewed, format.number),
          bar("accuracy", text("sureAccuracy"), level.accuracy ?? 0, wants.accuracy, format.percent),
        ]}
      />
    </>
  );
}
