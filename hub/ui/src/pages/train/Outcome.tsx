// What came of the last training.

import { Anchor, Button, Group, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { api, type Schemas, unwrap } from "../../api/client";
import { Card } from "../../components/Card";
import { HubWords } from "../../components/HubWords";
import { IntervalBar } from "../../components/report/IntervalBar";
import { State } from "./State";
import { useTrainText } from "./text";

export function Outcome({ progress }: { progress: Schemas["TrainingStatus"] }) {
  const text = useTrainText();
  const id = progress.id ?? 0;
  const found = useQuery({
    queryKey: ["trainings", id],
    queryFn: () => unwrap(api.GET("/api/v1/trainings/{id}", { params: { path: { id } } })),
  });
  const report = found.data?.report;
  return (
    <Card
      title={text("last", { id })}
      actions={
        <Button component={Link} to="/train" search={{ training: id } as never} variant="light" size="sm">
          {text("open")}
        </Button>
      }
    >
      <Stack gap="xs">
        <Group gap="sm">
          <State state={progress.state} />
          {report && (
            <>
              <Anchor component={Link} to="/models/$version" params={{ version: report.model } as never}>
                {report.model}
              </Anchor>
              <Text size="sm">{text(report.in_service ? "wentIntoService" : "stayedOut")}</Text>
            </>
          )}
        </Group>
        {report ? (
          <div style={{ maxWidth: 360 }}>
            <Text size="sm" c="dimmed">
              {text("testAccuracy")}
            </Text>
            <IntervalBar share={report.accuracy} interval={report.interval} />
          </div>
        ) : (
          <HubWords size="sm">{progress.message}</HubWords>
        )}
      </Stack>
    </Card>
  );
}
