// The training that runs, if one does.

import { Anchor, Group, Progress, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { trainingStatus } from "../../api/queries";
import { useFormat } from "../../i18n/format";
import { useHomeText } from "./text";

export function Training() {
  const text = useHomeText();
  const format = useFormat();
  const { data } = useQuery(trainingStatus);
  if (!data?.in_progress) return null;
  return (
    <section className="card" aria-label={text("training")}>
      <Group justify="space-between">
        <Title order={2} size="h5">
          {text("training")}
        </Title>
        <Anchor component={Link} to="/train" size="sm">
          {text("watch")}
        </Anchor>
      </Group>
      <Progress value={data.progress} mt="sm" animated aria-label={text("training")} />
      <Text size="sm" mt={4} className="figures">
        {format.percent(data.progress / 100)}
        {data.accuracy != null && ` · ${text("accuracyNow", { share: format.finePercent(data.accuracy) })}`}
      </Text>
    </section>
  );
}
