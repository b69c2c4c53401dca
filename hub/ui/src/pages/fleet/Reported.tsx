// The model of a bin, how far an update is, and all that the bin reported of itself.

import { Alert, Anchor, Code, Stack, Table, Text, Title } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useFormat } from "../../i18n/format";
import type { BinDetail } from "./queries";
import { hasConflicts, hasTwin } from "./telemetry";
import { useFleetText } from "./text";

export function Reported({ bin }: { bin: BinDetail }) {
  const text = useFleetText();
  const format = useFormat();
  const model = (version: string | null | undefined) =>
    version ? (
      <Anchor component={Link} to={`/models/${encodeURIComponent(version)}`}>
        {version}
      </Anchor>
    ) : (
      "–"
    );
  const rows: [string, ReactNode][] = [
    [text("model"), model(bin.model)],
    [text("desired"), model(bin.desired_model)],
    [text("camera"), bin.camera ?? "–"],
    [text("software"), bin.software ?? "–"],
    [text("since"), format.date(bin.created_ms)],
  ];
  return (
    <section className="card">
      <Title order={2} size="h4" mb="xs">
        {text("reported")}
      </Title>
      {bin.update && (
        <Alert color={bin.update.startsWith("refused") ? "red" : "blue"} mb="xs" py="xs" title={text("update")}>
          {bin.update}
        </Alert>
      )}
      {hasTwin(bin) && (
        <Alert color="red" mb="xs" py="xs" title={text("concern_twin")}>
          {text("twinHint", { takeovers: format.number(bin.takeovers), ago: format.ago(bin.takeover_ms ?? 0) })}
        </Alert>
      )}
      {hasConflicts(bin) && (
        <Alert color="yellow" mb="xs" py="xs" title={text("concern_conflict")}>
          {text("conflictHint", { conflicts: format.number(bin.conflicts), ago: format.ago(bin.conflict_ms ?? 0) })}
        </Alert>
      )}
      <Stack gap="xs">
        <Table verticalSpacing={4}>
          <Table.Tbody>
            {rows.map(([name, value]) => (
              <Table.Tr key={name}>
                <Table.Th scope="row" fw={400} c="dimmed">
                  {name}
                </Table.Th>
                <Table.Td style={{ overflowWrap: "anywhere" }}>{value}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
        {bin.reported && (
          <details>
            <summary>
              <Text size="sm" span>
                {text("asReported")}
              </Text>
            </summary>
            <Code block tabIndex={0} aria-label={text("asReported")}>
              {JSON.stringify(bin.reported, null, 2)}
            </Code>
          </details>
        )}
      </Stack>
    </section>
  );
}
