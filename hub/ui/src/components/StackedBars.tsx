// Quantities side by side as bars of parts, each with its figure.

import { Group, Text } from "@mantine/core";
import type { ReactNode } from "react";
import styles from "./StackedBars.module.css";

/** A part of a bar. */
export interface Part {
  /** What the legend calls it. */
  name: string;
  value: number;
  /** A colour by Mantine's names with its shade, such as `blue.6`. */
  colour: string;
}

/** A bar. */
export interface Bar {
  key: string;
  label: ReactNode;
  parts: Part[];
  /** What stands behind it: its figure. */
  figure: ReactNode;
  /** What stands below it. */
  details?: ReactNode;
}

const colourOf = (name: string) => `var(--mantine-color-${name.replace(".", "-")})`;

/** @param whole what a bar as wide as the place stands for; the largest bar, if it is left out */
export function StackedBars({ bars, whole, legend }: { bars: Bar[]; whole?: number; legend?: Part[] }) {
  const sum = (parts: Part[]) => parts.reduce((total, part) => total + part.value, 0);
  const most = Math.max(whole ?? Math.max(...bars.map((bar) => sum(bar.parts)), 0), Number.MIN_VALUE);
  return (
    <>
      {legend && <Legend parts={legend} />}
      <ul className={styles.rows}>
        {bars.map((bar) => (
          <li key={bar.key} className={styles.row}>
            <Text component="div" size="sm" truncate>
              {bar.label}
            </Text>
            <div className={styles.bar} aria-hidden>
              {bar.parts.map((part) => (
                <div
                  key={part.name}
                  className={styles.part}
                  title={part.name}
                  style={{ width: `${(100 * part.value) / most}%`, background: colourOf(part.colour) }}
                />
              ))}
            </div>
            <Text component="div" size="sm" ta="right" className="figures">
              {bar.figure}
            </Text>
            {bar.details && (
              <Text component="div" size="xs" c="dimmed" className={`figures ${styles.details}`}>
                {bar.details}
              </Text>
            )}
          </li>
        ))}
      </ul>
    </>
  );
}

/** What the colours of the parts stand for. */
export function Legend({ parts }: { parts: Pick<Part, "name" | "colour">[] }) {
  return (
    <Group gap="md" mb="xs" aria-hidden>
      {parts.map((part) => (
        <Text key={part.name} size="xs" c="dimmed">
          <span className={styles.swatch} style={{ background: colourOf(part.colour) }} />
          {part.name}
        </Text>
      ))}
    </Group>
  );
}
