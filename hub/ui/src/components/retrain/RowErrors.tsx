// The rows of a file that cannot be read, as a table.

import { Code, ScrollArea, Table, Text } from "@mantine/core";
import type { FileReport } from "./request";
import type { RetrainText } from "./text";

export function RowErrors({ report, text }: { report: FileReport; text: RetrainText }) {
  const shown = report.errors.length;
  return (
    <div>
      {shown < report.bad && (
        <Text size="sm" mb={4}>
          {text("firstRows", { shown })}
        </Text>
      )}
      <ScrollArea.Autosize
        mah={280}
        type="auto"
        viewportProps={{ tabIndex: 0, role: "region", "aria-label": text("rowErrors") }}
      >
        <Table striped verticalSpacing={4} aria-label={text("rowErrors")}>
          <Table.Thead>
            <Table.Tr>
              {(["line", "column", "value", "reason"] as const).map((head) => (
                <Table.Th key={head} scope="col">
                  {text(head)}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {report.errors.map((row) => (
              <Table.Tr key={`${row.line} ${row.column}`}>
                <Table.Td>{row.line}</Table.Td>
                <Table.Td>{row.column}</Table.Td>
                <Table.Td>
                  <Code style={{ overflowWrap: "anywhere" }}>{row.value}</Code>
                </Table.Td>
                <Table.Td>{row.reason}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </ScrollArea.Autosize>
    </div>
  );
}
