// How many samples came each week, and how many of them have a label by now.

import { Text } from "@mantine/core";
import type { Schemas } from "../../../api/client";
import { Card } from "../../../components/Card";
import { Legend } from "../../../components/StackedBars";
import { useFormat } from "../../../i18n/format";
import { useDatasetText } from "../text";
import styles from "./Weeks.module.css";

const WEEK_MS = 7 * 24 * 3600 * 1000;

/** Older weeks are left out. */
const mostWeeks = 26;

/** A week of the chart. */
export interface Week {
  /** Its Monday in milliseconds since 1970. */
  monday: number;
  samples: number;
  labelled: number;
}

/** The newest weeks without gaps: a week without a sample is a column without height. */
export function withoutGaps(weeks: Schemas["WeekCounts"][], most: number = mostWeeks): Week[] {
  const known = new Map(weeks.map((week) => [Date.parse(week.monday), week]));
  if (known.size === 0) return [];
  const last = Math.max(...known.keys());
  const first = Math.max(Math.min(...known.keys()), last - (most - 1) * WEEK_MS);
  const all: Week[] = [];
  for (let monday = first; monday <= last; monday += WEEK_MS) {
    const week = known.get(monday);
    all.push({ monday, samples: week?.samples ?? 0, labelled: week?.labelled ?? 0 });
  }
  return all;
}

export function Weeks({ weeks }: { weeks: Schemas["WeekCounts"][] }) {
  const text = useDatasetText();
  const format = useFormat();
  const shown = withoutGaps(weeks);
  const most = Math.max(1, ...shown.map((week) => week.samples));
  const words = (week: Week) =>
    text("week", {
      monday: format.date(week.monday),
      samples: format.number(week.samples),
      labelled: format.number(week.labelled),
    });
  const first = shown[0];
  const last = shown.at(-1);
  return (
    <Card title={text("weeks")} hint={text("weeksHint")}>
      <Legend
        parts={[
          { name: text("labelled"), colour: "leaf.6" },
          { name: text("unlabelled"), colour: "gray.5" },
        ]}
      />
      <ol className={styles.columns}>
        {shown.map((week) => (
          <li key={week.monday} className={styles.column} title={words(week)}>
            <span className={styles.waiting} style={{ height: `${(100 * (week.samples - week.labelled)) / most}%` }} />
            <span className={styles.labelled} style={{ height: `${(100 * week.labelled) / most}%` }} />
            <span className={styles.words}>{words(week)}</span>
          </li>
        ))}
      </ol>
      {first && last && (
        <Text size="xs" c="dimmed" mt={4} className={styles.axis}>
          <span>{format.date(first.monday)}</span>
          {last !== first && <span>{format.date(last.monday)}</span>}
        </Text>
      )}
      {last && (
        <Text size="sm" mt="xs">
          {words(last)}
        </Text>
      )}
    </Card>
  );
}
