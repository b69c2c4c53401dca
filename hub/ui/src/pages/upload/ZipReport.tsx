// What became of a zip: figures, new images by class, and each file that was skipped with the reason.

import { Button, Group, Stack, Table, Text, Title } from "@mantine/core";
import { useState } from "react";
import type { Schemas } from "../../api/client";
import { ClassBadge } from "../../components/ClassBadge";
import { Scrolls } from "../../components/Scrolls";
import { useFormat } from "../../i18n/format";
import { useUploadText } from "./text";

/** Skipped files that are shown at first, and that each click adds. */
const ROWS = 20;

export function ZipReport({ file, report }: { file?: string; report: Schemas["ImportReport"] }) {
  const text = useUploadText();
  const format = useFormat();
  const [rows, setRows] = useState(ROWS);
  const figures = [
    [report.imported, text("storedCount")],
    [report.duplicates, text("duplicateCount")],
    [report.excluded, text("excludedCount")],
    [report.skipped.length, text("refusedCount")],
  ] as const;
  return (
    <Stack gap="sm">
      {file && (
        <Title order={2} size="h4">
          {text("imported", { file })}
        </Title>
      )}
      <Group gap="lg">
        {figures.map(([count, label]) => (
          <Text size="sm" key={label} component="span">
            <Text span fw={650} className="figures">
              {format.number(count)}
            </Text>{" "}
            <Text span c="dimmed">
              {label}
            </Text>
          </Text>
        ))}
      </Group>
      <Group gap="xs">
        {Object.entries(report.labels).map(([label, count]) => (
          <Group key={label} gap={4}>
            <ClassBadge label={label} />
            <Text size="sm" className="figures">
              {format.number(count)}
            </Text>
          </Group>
        ))}
      </Group>
      {report.renamed?.map(({ folder, label, files }) => (
        <Text size="sm" key={folder}>
          {text("renamedFolder", { folder, label, files: format.number(files) })}
        </Text>
      ))}
      {report.skipped.length > 0 && (
        <Scrolls label={text("skippedFiles")}>
          <Table>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{text("file")}</Table.Th>
                <Table.Th>{text("reason")}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {report.skipped.slice(0, rows).map((skipped) => (
                <Table.Tr key={skipped.file}>
                  <Table.Td>{skipped.file}</Table.Td>
                  <Table.Td>{skipped.reason}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Scrolls>
      )}
      {report.skipped.length > rows && (
        <Button variant="default" onClick={() => setRows(rows + ROWS)}>
          {text("more", { number: format.number(report.skipped.length - rows) })}
        </Button>
      )}
    </Stack>
  );
}
