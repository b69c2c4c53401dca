// Many images at once, by what the model takes them for: choose the ones that are alike, and label them with one key.

import { Button, Checkbox, Group, Text, Title, UnstyledButton } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import { SampleImage } from "../../components/SampleImage";
import { useClassName } from "../../i18n/classes";
import { useFormat } from "../../i18n/format";
import type { ReviewItem } from "./desk";
import styles from "./Review.module.css";
import { chosenOf, move, nothing, pick, pickAll, type Selection } from "./selection";
import { useReviewText } from "./text";
import { useKeys } from "./useKeys";

/** Images by the model's guess, the largest group first; those without one at the end. */
export function byGuess(queue: readonly ReviewItem[]): [guess: string | null, items: ReviewItem[]][] {
  const groups = new Map<string | null, ReviewItem[]>();
  for (const item of queue) {
    const guess = item.guess ?? item.sample.guess ?? null;
    groups.set(guess, [...(groups.get(guess) ?? []), item]);
  }
  return [...groups].sort(([a, of], [b, than]) =>
    a === null ? 1 : b === null ? -1 : than.length - of.length || a.localeCompare(b),
  );
}

export interface GridProps {
  queue: readonly ReviewItem[];
  onChosen: (samples: string[]) => void;
}

export function Grid({ queue, onChosen }: GridProps) {
  const text = useReviewText();
  const name = useClassName();
  const format = useFormat();
  const [selection, setSelection] = useState<Selection>(nothing);
  const place = useRef<HTMLDivElement>(null);
  const groups = byGuess(queue);
  const ids = groups.flatMap(([, items]) => items.map((item) => item.sample.id));
  const chosen = chosenOf(selection, ids);
  const chosenKey = chosen.join();

  // biome-ignore lint/correctness/useExhaustiveDependencies: the list is new with each rendering, its content is not
  useEffect(() => onChosen(chosen), [chosenKey]);

  const go = (by: number, range: boolean) => {
    const next = move(selection, ids, by, range);
    setSelection(next);
    if (next.focus) place.current?.querySelector<HTMLElement>(`[data-sample="${CSS.escape(next.focus)}"]`)?.focus();
  };
  useKeys((key, event) => {
    const columns = columnsOf(place.current);
    const steps: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns };
    const step = steps[key];
    if (step !== undefined) go(step, event.shiftKey);
    else if (key === "a" && (event.ctrlKey || event.metaKey)) setSelection({ ...selection, chosen: new Set(ids) });
    else if (key === "Escape" && chosen.length > 0) setSelection({ ...selection, chosen: new Set() });
    else return false;
    return true;
  });

  return (
    <div ref={place}>
      <Group justify="space-between" mb="sm">
        <Text size="sm" c="dimmed">
          {text("gridHint")}
        </Text>
        <Text size="sm" fw={600} role="status">
          {text("chosen", { count: chosen.length, number: format.number(chosen.length) })}
        </Text>
      </Group>
      {groups.map(([guess, items]) => {
        const group = items.map((item) => item.sample.id);
        const count = group.filter((id) => selection.chosen.has(id)).length;
        const title = guess ? text("looksLike", { label: name(guess) }) : text("noGuess");
        return (
          <section key={guess ?? ""} aria-label={title}>
            <Group gap="sm" mb="xs" mt="md">
              <Title order={2} size="h5">
                {title}
              </Title>
              <Button size="compact-xs" variant="default" onClick={() => setSelection(pickAll(selection, group))}>
                {text(count === group.length ? "chooseNone" : "chooseAll", { number: format.number(group.length) })}
              </Button>
            </Group>
            <div className={styles.grid} data-grid>
              {items.map(({ sample }, index) => {
                const isChosen = selection.chosen.has(sample.id);
                return (
                  <UnstyledButton
                    key={sample.id}
                    className={styles.cell}
                    data-sample={sample.id}
                    data-chosen={isChosen || undefined}
                    role="checkbox"
                    aria-checked={isChosen}
                    aria-label={text("cell", { title, place: index + 1 })}
                    onClick={(event) => setSelection(pick(selection, ids, sample.id, event.shiftKey))}
                    onFocus={() => setSelection((now) => ({ ...now, focus: sample.id }))}
                  >
                    <SampleImage sample={sample.id} label={sample.label ? name(sample.label) : undefined} eager />
                    <Checkbox.Indicator checked={isChosen} className={styles.check} aria-hidden />
                    {sample.confidence != null && (
                      <span className={`${styles.cellNote} figures`}>{format.percent(sample.confidence)}</span>
                    )}
                  </UnstyledButton>
                );
              })}
            </div>
          </section>
        );
      })}
    </div>
  );
}

function columnsOf(place: HTMLElement | null): number {
  const grid = place?.querySelector("[data-grid]");
  return grid ? getComputedStyle(grid).gridTemplateColumns.split(" ").length : 1;
}
