// What the model says of a photo, what to do with the item, and a click to set it right.

import { Badge, Group, Loader, Stack, Text, Title } from "@mantine/core";
import { IconCheck, IconQuestionMark } from "@tabler/icons-react";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { api, unwrap } from "../../api/client";
import { asApiError } from "../../api/problem";
import { useMay } from "../../api/queries";
import { ConfidenceBars } from "../../components/ConfidenceBars";
import { ErrorNote } from "../../components/states";
import { useLanguage } from "../../i18n";
import { useClassName } from "../../i18n/classes";
import { useFormat } from "../../i18n/format";
import styles from "./Classify.module.css";
import { Correct } from "./Correct";
import { useClassifyText } from "./text";

/** @param photo tells this photo apart from others of this visit */
export function Result({ photo, file }: { photo: number; file: File }) {
  const text = useClassifyText();
  const name = useClassName();
  const format = useFormat();
  const language = useLanguage();
  const mayLabel = useMay("reviewer");
  // Asked again when the language is switched: recommendation and facts come in it.
  const query = useQuery({
    queryKey: ["predict", photo, language],
    queryFn: () =>
      unwrap(
        api.POST("/api/predict", {
          params: { query: { lang: language } },
          body: file as never,
          bodySerializer: (body) => body as never,
          headers: { "Content-Type": file.type || "application/octet-stream" },
        }),
      ),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    placeholderData: keepPreviousData,
    retry: (failures, error) => failures < 2 && asApiError(error).kind === "busy",
  });

  if (query.isError) return <ErrorNote error={query.error} retry={() => void query.refetch()} />;
  if (!query.data) {
    return (
      <Group gap="xs" role="status" className="card">
        <Loader size="sm" /> <Text>{text("looking")}</Text>
      </Group>
    );
  }
  const { prediction, recommendation, educational } = query.data;
  return (
    <Stack gap="md">
      <section className="card" aria-label={text("result")}>
        <Group justify="space-between" mb="xs">
          <Title order={2} size="h3">
            {name(prediction.class)}
          </Title>
          {prediction.sure ? (
            <Badge size="lg" variant="light" tt="none" leftSection={<IconCheck size={16} />}>
              {text("sure")}
            </Badge>
          ) : (
            <Badge size="lg" variant="light" color="yellow" tt="none" leftSection={<IconQuestionMark size={16} />}>
              {text("unsure")}
            </Badge>
          )}
        </Group>
        <Text size="sm" c="dimmed" mb="sm">
          {text(prediction.sure ? "sureHint" : "unsureHint", {
            share: format.percent(prediction.confidence),
            model: prediction.model,
          })}
        </Text>
        <ConfidenceBars probabilities={prediction.probabilities} />
      </section>
      <section className="card" aria-label={text("dispose")}>
        <Title order={2} size="h5">
          {text("dispose")}
        </Title>
        <Text mt={4}>{recommendation.how_to_dispose}</Text>
        {recommendation.tips.length > 0 && <List lines={recommendation.tips} />}
      </section>
      {educational.facts.length > 0 && (
        <section className="card" aria-label={text("facts")}>
          <Title order={2} size="h5">
            {text("facts")}
          </Title>
          <List lines={educational.facts} />
        </section>
      )}
      {mayLabel && <Correct file={file} guess={prediction.class} />}
    </Stack>
  );
}

function List({ lines }: { lines: readonly string[] }) {
  return (
    <ul className={styles.list}>
      {lines.map((line) => (
        <li key={line}>
          <Text size="sm">{line}</Text>
        </li>
      ))}
    </ul>
  );
}
