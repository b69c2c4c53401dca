// What happened to a training, and when.

import { ScrollArea, Table, Title } from "@mantine/core";
import type { Schemas } from "../../api/client";
import { HubWords } from "../../components/HubWords";
import { useFormat } from "../../i18n/format";
import { useTrainText } from "./text";

export function Log({ entries }: { entries: Schemas["LogEntry"][] }) {
  const text = useTrainText();
  const format = useFormat();
  if (entries.length === 0) return null;
  return (
    <section>
      <Title order={3} size="h6" mb={4}>
        {text("log")}
      </Title>
      <ScrollArea.Autosize mah={220} viewportProps={{ tabIndex: 0, role: "group", "aria-label": text("log") }}>
        <Table verticalSpacing={3} fz="sm" withRowBorders={false}>
          <Table.Tbody>
            {entries.map((entry, place) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a log only grows at its end
              <Table.Tr key={place}>
                <Table.Td w={90} c="dimmed" className="figures" style={{ verticalAlign: "top" }}>
                  {format.clock(entry.at_ms)}
                </Table.Td>
                <Table.Td>
                  <HubWords size="sm">{entry.message}</HubWords>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </ScrollArea.Autosize>
    </section>
  );
}
