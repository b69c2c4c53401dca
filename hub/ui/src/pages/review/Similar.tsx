// What looks like this image, and what it was labelled: a help for the undecided.

import { Skeleton, Stack, Text, Title } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { api, unwrap } from "../../api/client";
import { asApiError } from "../../api/problem";
import { ClassBadge } from "../../components/ClassBadge";
import { SampleImage } from "../../components/SampleImage";
import { useClassName } from "../../i18n/classes";
import { useFormat } from "../../i18n/format";
import styles from "./Review.module.css";
import { useReviewText } from "./text";

const COUNT = 6;

/** Who answers faster than this needs no help, in milliseconds. */
const HESITATION_MS = 400;

export function Similar({ sample }: { sample: string }) {
  const text = useReviewText();
  const name = useClassName();
  const format = useFormat();
  const [settled] = useDebouncedValue(sample, HESITATION_MS);
  const query = useQuery({
    queryKey: ["similar", settled],
    queryFn: () =>
      unwrap(api.GET("/api/v1/samples/{id}/similar", { params: { path: { id: settled }, query: { count: COUNT } } })),
    staleTime: 60_000,
    retry: false,
  });
  const found = settled === sample ? query.data?.samples : undefined;
  return (
    <Stack gap="xs" component="section" aria-label={text("similar")}>
      <Title order={2} size="h5">
        {text("similar")}
      </Title>
      {query.isError && settled === sample ? (
        <Text size="sm" c="dimmed">
          {text(asApiError(query.error).kind === "not-embedded" ? "similarLater" : "similarFailed")}
        </Text>
      ) : found?.length === 0 ? (
        <Text size="sm" c="dimmed">
          {text("similarNone")}
        </Text>
      ) : (
        <ul className={styles.similar}>
          {found
            ? found.map(({ sample: other, similarity }) => (
                <li key={other.id}>
                  <div className={styles.thumb}>
                    <SampleImage sample={other.id} label={other.label ? name(other.label) : undefined} />
                  </div>
                  {other.label ? (
                    <ClassBadge label={other.label} size="xs" fullWidth />
                  ) : (
                    <Text size="xs" c="dimmed" ta="center">
                      {text("noLabel")}
                    </Text>
                  )}
                  <Text size="xs" c="dimmed" ta="center" className="figures">
                    {format.percent(Math.max(0, similarity))}
                  </Text>
                </li>
              ))
            : Array.from({ length: COUNT }, (_, place) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: the places have nothing but their number
                <li key={place}>
                  <Skeleton className={styles.thumb} animate={false} />
                </li>
              ))}
        </ul>
      )}
    </Stack>
  );
}
