// Who did what, the newest first, for administrators.

import { Button, Code, Group, Stack, Table, Text } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Heads } from "../../components/Heads";
import { Scrolls } from "../../components/Scrolls";
import { Empty, ErrorNote, Loading } from "../../components/states";
import { useFormat } from "../../i18n/format";
import { AuditFilter, noFields, searchOf } from "./AuditFilter";
import { type AuditSearch, audit } from "./queries";
import { textOf, useSettingsText } from "./text";

export function AuditLog() {
  const [fields, setFields] = useState(noFields);
  const [search] = useDebouncedValue(fields, 300);
  return (
    <Stack>
      <AuditFilter fields={fields} onChange={setFields} />
      <Entries search={searchOf(search)} />
    </Stack>
  );
}

function Entries({ search }: { search: AuditSearch }) {
  const text = useSettingsText();
  const format = useFormat();
  const query = useInfiniteQuery(audit(search));
  if (query.isPending) return <Loading lines={8} />;
  if (query.isError && !query.data) return <ErrorNote error={query.error} retry={() => void query.refetch()} />;
  const entries = query.data?.pages.flat() ?? [];
  if (entries.length === 0) return <Empty title={text(Object.keys(search).length === 0 ? "noEntries" : "noneFound")} />;
  return (
    <Stack>
      <section className="card">
        <Scrolls label={text("audit")}>
          <Table miw={640} verticalSpacing={6}>
            <Heads names={[text("when"), text("who"), text("what"), text("detail")]} />
            <Table.Tbody>
              {entries.map((entry) => (
                <Table.Tr key={entry.id}>
                  <Table.Td className="figures" style={{ whiteSpace: "nowrap" }}>
                    {format.time(entry.at_ms)}
                  </Table.Td>
                  <Table.Td>{entry.who}</Table.Td>
                  <Table.Td style={{ whiteSpace: "nowrap" }}>
                    {textOf(text, `did_${entry.what.replaceAll(".", "_")}`) ?? <Code>{entry.what}</Code>}
                  </Table.Td>
                  <Table.Td>
                    <Detail detail={entry.detail} />
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Scrolls>
      </section>
      {query.isFetchNextPageError && <ErrorNote error={query.error} />}
      {query.hasNextPage && (
        <Group justify="center">
          <Button variant="default" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
            {text("older")}
          </Button>
        </Group>
      )}
    </Stack>
  );
}

function Detail({ detail }: { detail?: Record<string, unknown> | null }) {
  const shown = Object.entries(detail ?? {}).filter(([, value]) => value !== null);
  return (
    <Text size="sm" c="dimmed" style={{ overflowWrap: "anywhere" }}>
      {shown
        .map(([name, value]) => `${name}: ${typeof value === "object" ? JSON.stringify(value) : value}`)
        .join(" · ")}
    </Text>
  );
}
