// The model card: what a version tells apart, from when it is sure, and where it comes from.

import { Anchor, Code, Group, Stack, Table, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { Schemas } from "../../api/client";
import { Card } from "../../components/Card";
import { ClassBadge } from "../../components/ClassBadge";
import { useFormat } from "../../i18n/format";
import type { Manifest } from "./detail";
import { useModelsText } from "./text";

/** A threshold from which a class is never sure. */
const closed = 1;

export function ModelCard({ detail }: { detail: Schemas["ModelDetail"] }) {
  const text = useModelsText();
  const format = useFormat();
  const manifest = detail.manifest_content as unknown as Manifest;
  const { lineage } = detail;
  const short = (sha256: string) => <Code title={sha256}>{sha256.slice(0, 8)}</Code>;
  const rows: [string, ReactNode][] = [
    [
      text("origin"),
      typeof lineage.training === "number" ? (
        <Anchor key="training" component={Link} to="/train" search={{ training: lineage.training } as never} fz="sm">
          {text("training", { id: lineage.training })}
        </Anchor>
      ) : (
        text("elsewhere")
      ),
    ],
    [text("parent"), lineage.parent ? <VersionLink key="parent" version={lineage.parent} /> : "–"],
    [
      text("learntFrom"),
      typeof lineage.trained_on === "number" ? text("images", { count: lineage.trained_on }) : text("notKnown"),
    ],
    [text("dataset"), lineage.dataset ? <Dataset key="dataset" id={lineage.dataset} /> : text("notKnown")],
    [text("seed"), typeof lineage.seed === "number" ? String(lineage.seed) : "–"],
    [text("madeBy"), lineage.software],
    [text("input"), `${manifest.input.width} × ${manifest.input.height}`],
    [
      text("backbone"),
      <Group key="backbone" gap={6}>
        {short(manifest.backbone.sha256)} {format.bytes(manifest.backbone.bytes)}
      </Group>,
    ],
    [
      text("head"),
      <Group key="head" gap={6}>
        {short(manifest.head.sha256)} {format.bytes(manifest.head.bytes)}
      </Group>,
    ],
  ];
  return (
    <Card title={text("card")} hint={text("cardHint")}>
      <Stack gap="md">
        <div>
          <Text size="sm" fw={600} mb={4}>
            {text("tellsApart", { count: manifest.labels.length })}
          </Text>
          <Group gap={6}>
            {manifest.labels.map((label) => {
              const threshold = manifest.thresholds[label];
              return (
                <Group key={label} gap={4} wrap="nowrap">
                  <ClassBadge label={label} />
                  <Text size="xs" c="dimmed" className="figures">
                    {threshold === undefined
                      ? ""
                      : threshold >= closed
                        ? text("neverSure")
                        : text("sureFrom", { threshold: format.percent(threshold) })}
                  </Text>
                </Group>
              );
            })}
          </Group>
        </div>
        <Table variant="vertical" withRowBorders={false} verticalSpacing={4} fz="sm">
          <Table.Tbody>
            {rows.map(([what, value]) => (
              <Table.Tr key={what}>
                <Table.Th scope="row" w="9rem" bg="transparent" fw={400} c="dimmed">
                  {what}
                </Table.Th>
                <Table.Td style={{ overflowWrap: "anywhere" }}>{value}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Stack>
    </Card>
  );
}

function VersionLink({ version }: { version: string }) {
  return (
    <Anchor component={Link} to="/models/$version" params={{ version } as never} fz="sm">
      {version}
    </Anchor>
  );
}

/** The frozen version of the dataset; of a model from elsewhere, what its maker says. */
function Dataset({ id }: { id: string }) {
  if (!/^[0-9a-f]{64}$/.test(id)) return id;
  return (
    <Anchor component={Link} to="/dataset" search={{ part: "versions", newer: id } as never} fz="sm">
      <Code title={id}>{id.slice(0, 8)}</Code>
    </Anchor>
  );
}
