// What is known of a sample: its label and who gave it, what the model took it for, where it comes from.

import { Anchor, Group, Table, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { SampleView } from "../../api/queries";
import { useClassName } from "../../i18n/classes";
import { useFormat } from "../../i18n/format";
import { ClassBadge } from "../ClassBadge";
import { HubWords } from "../HubWords";
import { useSampleText } from "./text";

export function Known({ sample }: { sample: SampleView }) {
  const text = useSampleText();
  const format = useFormat();
  const name = useClassName();
  const rows: [string, ReactNode][] = [
    [
      text("label"),
      sample.label ? (
        <Group key="label" gap="xs">
          <ClassBadge label={sample.label} />
          <Text size="xs" c="dimmed">
            {sample.labelled_by && sample.labelled_at_ms
              ? text("labelledBy", { by: sample.labelled_by, at: format.time(sample.labelled_at_ms) })
              : null}
          </Text>
        </Group>
      ) : (
        text("unlabelled")
      ),
    ],
  ];
  if (sample.guess) {
    const sure = sample.confidence === null || sample.confidence === undefined ? "" : format.percent(sample.confidence);
    const guess = text("guessed", { guess: name(sample.guess), sure, model: sample.model ?? "" });
    rows.push([text("guess"), guess]);
  }
  if (sample.truth) rows.push([text("truth"), name(sample.truth)]);
  rows.push([text("source"), <Source key="source" sample={sample} />]);
  rows.push([text("arrived"), format.time(sample.received_ms)]);
  if (sample.split) rows.push([text("split"), text(splitKey(sample.split))]);
  if (sample.excluded) rows.push([text("excluded"), <HubWords key="excluded">{sample.excluded}</HubWords>]);
  rows.push([text("size"), `${format.number(sample.width)} × ${format.number(sample.height)}`]);

  return (
    <Table variant="vertical" layout="fixed" withRowBorders={false} verticalSpacing={4} fz="sm">
      <Table.Tbody>
        {rows.map(([what, value]) => (
          <Table.Tr key={what}>
            <Table.Th w="9rem" bg="transparent" fw={400} c="dimmed" scope="row">
              {what}
            </Table.Th>
            <Table.Td style={{ overflowWrap: "anywhere" }}>{value}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function Source({ sample }: { sample: SampleView }) {
  const text = useSampleText();
  if (sample.bin) {
    return (
      <Anchor component={Link} to="/fleet/$bin" params={{ bin: sample.bin } as never} fz="sm">
        {sample.bin}
      </Anchor>
    );
  }
  return text(sourceKey(sample.source));
}

/** The text of a source. */
export function sourceKey(source: string): "sourceBin" | "sourceUpload" | "sourceImport" {
  return source === "bin" ? "sourceBin" : source === "import" ? "sourceImport" : "sourceUpload";
}

/** The text of a split. */
export function splitKey(split: string): "train" | "validation" | "test" {
  return split === "train" || split === "validation" ? split : "test";
}
