// One version: what it is, where it comes from, what the gate says, and all its figures.

import { Alert, Button, Group, SimpleGrid, Stack, Text } from "@mantine/core";
import { IconArrowsDiff, IconDownload } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { at } from "../../api/base";
import type { Schemas } from "../../api/client";
import { models, useMay } from "../../api/queries";
import { BackLink } from "../../components/BackLink";
import { Card } from "../../components/Card";
import { Activate } from "../../components/model/Activate";
import { GateReport } from "../../components/model/GateReport";
import { Tags } from "../../components/model/Tags";
import { ModelReport } from "../../components/report/ModelReport";
import { Loaded, PageHead } from "../../components/states";
import { useFormat } from "../../i18n/format";
import { DeleteModel } from "./DeleteModel";
import { detailOf } from "./detail";
import { ModelCard } from "./ModelCard";
import { Plots } from "./Plots";
import { useModelsText } from "./text";

export function Model() {
  const { version = "" } = useParams({ strict: false }) as { version?: string };
  const text = useModelsText();
  const found = useQuery(detailOf(version));
  return (
    <>
      <BackLink to="/models">{text("all")}</BackLink>
      <Loaded query={found} lines={8}>
        {(detail) => <Found detail={detail} />}
      </Loaded>
    </>
  );
}

function Found({ detail }: { detail: Schemas["ModelDetail"] }) {
  const text = useModelsText();
  const format = useFormat();
  const { version } = detail;
  return (
    <>
      <PageHead title={version}>
        <Actions detail={detail} />
      </PageHead>
      <Stack>
        <Group gap="sm">
          <Tags model={detail} />
          <Text size="sm" c="dimmed">
            {text("made", { at: format.time(detail.created_ms) })}
            {detail.service_ms ? ` · ${text("inServiceSince", { at: format.time(detail.service_ms) })}` : ""}
          </Text>
        </Group>
        {detail.override && (
          <Alert color="yellow" title={text("overridden")}>
            {text("overriddenBy", { by: detail.override.by, at: format.time(detail.override.at_ms) })}
            <Text size="sm" fs="italic" mt={4} style={{ overflowWrap: "anywhere" }}>
              {detail.override.reason}
            </Text>
          </Alert>
        )}
        <SimpleGrid cols={{ base: 1, lg: 2 }} style={{ alignItems: "start" }}>
          {detail.gate ? (
            <Card title={text("gateReport")}>
              <GateReport verdict={detail.gate} />
            </Card>
          ) : (
            <Card title={text("gateReport")}>
              <Text size="sm">{text("notJudged")}</Text>
            </Card>
          )}
          <ModelCard detail={detail} />
        </SimpleGrid>
        <ModelReport version={version} />
        {(detail.evaluated_ms || typeof detail.training === "number") && (
          <Plots
            version={version}
            evaluated={Boolean(detail.evaluated_ms)}
            trained={typeof detail.training === "number"}
          />
        )}
      </Stack>
    </>
  );
}

function Actions({ detail }: { detail: Schemas["ModelDetail"] }) {
  const text = useModelsText();
  const admin = useMay("admin");
  const list = useQuery(models).data;
  const { version } = detail;
  const inService = list?.in_service ?? null;
  return (
    <>
      {admin && inService !== version && <Activate model={detail} size="sm" />}
      {inService && inService !== version && (
        <Button
          component={Link}
          to="/models/compare"
          search={{ a: inService, b: version } as never}
          variant="default"
          size="sm"
          leftSection={<IconArrowsDiff size={16} />}
        >
          {text("compareWithService")}
        </Button>
      )}
      <Button
        component="a"
        href={at(`/api/v1/models/${encodeURIComponent(version)}/export`)}
        download
        variant="default"
        size="sm"
        leftSection={<IconDownload size={16} />}
      >
        {text("export")}
      </Button>
      {admin && inService !== version && <DeleteModel version={version} />}
    </>
  );
}
