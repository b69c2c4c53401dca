// What a file says, before anything of it is taken over: its columns, what it comes to, and what is not clear.

import { Alert, Button, Group, List, NativeSelect, ScrollArea, Stack, Table, Text } from "@mantine/core";
import { IconHelpCircle } from "@tabler/icons-react";
import { columnFields } from "./columns";
import { RowErrors } from "./RowErrors";
import type { FileColumn, Findings, Refusal } from "./request";
import type { RetrainText } from "./text";

/** The distances between dates that have a text, by the server's word for them. */
const steps: Record<string, Parameters<RetrainText>[0]> = {
  hour: "stepHour",
  day: "stepDay",
  week: "stepWeek",
  month: "stepMonth",
  quarter: "stepQuarter",
  year: "stepYear",
};

/** What was understood. */
export function Found({
  findings,
  onColumn,
  text,
}: {
  findings: Findings;
  onColumn?: (column: string, field: string) => void;
  text: RetrainText;
}) {
  const { good, rows, bad, quantities, added_up: added, repeated, left_out: leftOut, left_out_lines: lines } = findings;
  const { products, stores, first, last, total } = findings;
  const known = steps[findings.step];
  const step = known ? text(known) : findings.step;
  return (
    <Stack gap="xs" role="region" aria-label={text("found")}>
      <Text fw={600}>{text("found")}</Text>
      <Text size="sm" c="dimmed">
        {text("foundHint")}
      </Text>
      <div>
        <Text size="sm">{text("foundRows", { good, rows, quantities })}</Text>
        <Text size="sm">{text("foundWhole", { products, stores, first, last, step, total })}</Text>
        {added > 0 && <Text size="sm">{text("foundAdded", { added })}</Text>}
        {repeated > 0 && <Text size="sm">{text("foundRepeated", { repeated })}</Text>}
        {leftOut[0] && (
          <Text size="sm" style={{ overflowWrap: "anywhere" }}>
            {text("foundLeftOut", { lines, line: leftOut[0].line, value: leftOut[0].value })}
          </Text>
        )}
      </div>
      <Columns columns={findings.understood} onColumn={onColumn} text={text} />
      {findings.notes.length > 0 && (
        <List size="sm" lang="en">
          {findings.notes.map((note) => (
            <List.Item key={note} style={{ overflowWrap: "anywhere" }}>
              {note}
            </List.Item>
          ))}
        </List>
      )}
      {bad > 0 && (
        <Alert color="yellow" title={text("foundBad", { bad })}>
          <RowErrors report={findings} text={text} />
        </Alert>
      )}
    </Stack>
  );
}

/** What is not clear or missing, the answers, and what was found all the same. */
export function Asked({
  refusal,
  onChoose,
  onColumn,
  text,
}: {
  refusal: Refusal;
  onChoose?: (option: string, value: string) => void;
  onColumn?: (column: string, field: string) => void;
  text: RetrainText;
}) {
  const { option, choices, found } = refusal;
  return (
    <Stack gap="xs">
      <Alert
        color="yellow"
        role="alert"
        icon={<IconHelpCircle />}
        title={text(choices.length > 0 ? "asked" : "missing")}
      >
        <Stack gap="sm">
          <Text size="sm" lang="en" style={{ overflowWrap: "anywhere" }}>
            {refusal.message}
          </Text>
          {choices.length === 0 && onColumn && <Text size="sm">{text("missingHint")}</Text>}
          {option && onChoose && choices.length > 0 && (
            <Group gap="xs">
              {choices.map(({ value, meaning }) => (
                <Button
                  key={value}
                  variant="outline"
                  h="auto"
                  py={6}
                  styles={{ label: { whiteSpace: "normal", overflowWrap: "anywhere" } }}
                  onClick={() => onChoose(option, value)}
                >
                  {`${value}: ${meaning}`}
                </Button>
              ))}
            </Group>
          )}
        </Stack>
      </Alert>
      {found && <Columns columns={found.understood} onColumn={onColumn} text={text} />}
    </Stack>
  );
}

function Columns({
  columns,
  onColumn,
  text,
}: {
  columns: readonly FileColumn[];
  onColumn?: (column: string, field: string) => void;
  text: RetrainText;
}) {
  const fields = Object.entries(columnFields).map(([value, key]) => ({ value, label: text(key) }));
  return (
    <ScrollArea.Autosize
      mah={420}
      type="auto"
      viewportProps={{ tabIndex: 0, role: "region", "aria-label": text("columnsTitle") }}
    >
      <Table verticalSpacing={4} miw={560} aria-label={text("columnsTitle")}>
        <Table.Thead>
          <Table.Tr>
            {(["column", "taken", "written", "read"] as const).map((head) => (
              <Table.Th key={head} scope="col">
                {text(head)}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {columns.map(({ name, field, understood, written, read }) => (
            <Table.Tr key={name}>
              <Table.Th scope="row" style={{ overflowWrap: "anywhere" }}>
                {name}
              </Table.Th>
              <Table.Td>
                {onColumn ? (
                  <NativeSelect
                    aria-label={text("takenFor", { column: name })}
                    data={fields}
                    value={field ?? "ignore"}
                    onChange={(event) => onColumn(name, event.currentTarget.value)}
                  />
                ) : (
                  (fields.find(({ value }) => value === (field ?? "ignore"))?.label ?? field)
                )}
              </Table.Td>
              <Table.Td>
                {written.map((value) => (
                  <div key={value}>{value}</div>
                ))}
              </Table.Td>
              <Table.Td>
                {/* What is not used is read by nobody. */}
                {field !== null && written.map((value, at) => <div key={value}>{read[at]}</div>)}
                <Text size="xs" c="dimmed" lang="en">
                  {understood}
                </Text>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </ScrollArea.Autosize>
  );
}
