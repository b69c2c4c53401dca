// Why this image was picked, in words, and what was known of it.

import { Progress, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { bins } from "../../api/queries";
import { ClassBadge } from "../../components/ClassBadge";
import { ConfidenceBars } from "../../components/ConfidenceBars";
import { useClassName } from "../../i18n/classes";
import { useFormat } from "../../i18n/format";
import type { ReviewItem } from "./desk";
import styles from "./Review.module.css";
import { reasonsOf } from "./reasons";
import { useReviewText } from "./text";

export function Why({ item }: { item: ReviewItem }) {
  const text = useReviewText();
  const name = useClassName();
  const format = useFormat();
  const reasons = reasonsOf(item);
  return (
    <Stack gap="xs" component="section" aria-label={text("why")}>
      <Title order={2} size="h5">
        {text("why")}
      </Title>
      <ul className={styles.reasons}>
        {reasons.map(({ reason, share }) => (
          <li key={reason}>
            <Text size="sm">
              {text(reason, {
                label: name(item.sample.label ?? ""),
                suggested: name(item.suggested ?? ""),
              })}
            </Text>
            {share !== undefined && (
              <div className={styles.share}>
                <Progress value={share * 100} size="sm" aria-hidden />
                <Text size="xs" c="dimmed" className="figures">
                  {format.percent(share)}
                </Text>
              </div>
            )}
          </li>
        ))}
      </ul>
    </Stack>
  );
}

/** What the bin, or the model, took it for. */
export function Guess({ item: { sample, guess } }: { item: ReviewItem }) {
  const text = useReviewText();
  const label = guess ?? sample.guess;
  if (!label && !sample.probabilities) return null;
  const title = text(sample.guess ? "guess" : "guessOfModel");
  return (
    <Stack gap="xs" component="section" aria-label={title}>
      <Title order={2} size="h5">
        {title}
      </Title>
      {label && (
        <Text size="sm" component="div">
          <ClassBadge label={label} /> {sample.guess && !sample.sure && text("binUnsure")}
        </Text>
      )}
      {sample.probabilities && <ConfidenceBars probabilities={sample.probabilities as Record<string, number>} />}
    </Stack>
  );
}

/** Where and when it was taken. */
export function Origin({ item: { sample } }: { item: ReviewItem }) {
  const text = useReviewText();
  const format = useFormat();
  const name = useClassName();
  const { data } = useQuery(bins);
  const bin = data?.find((each) => each.id === sample.bin)?.name ?? sample.bin;
  return (
    <Text size="sm" c="dimmed" className={styles.origin}>
      {bin ?? text(sample.source === "import" ? "imported" : "uploaded")}, {format.time(sample.at_ms)}
      {sample.label && `, ${text("hasLabel", { label: name(sample.label) })}`}
    </Text>
  );
}
