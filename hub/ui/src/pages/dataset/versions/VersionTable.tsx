// The frozen versions, each with what it holds and as files to take along.

import { Button, Code, Menu, Table, Text } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { at } from "../../../api/base";
import type { Schemas } from "../../../api/client";
import { useMay } from "../../../api/queries";
import { Scrolls } from "../../../components/Scrolls";
import { useFormat } from "../../../i18n/format";
import { useDatasetText } from "../text";

/** What an export holds, by the hub's names. */
const layouts = ["processed", "raw", "both", "index"] as const;

export function VersionTable({ versions }: { versions: Schemas["Version"][] }) {
  const text = useDatasetText();
  const format = useFormat();
  // All images at once are more than a viewer may take along.
  const exports = useMay("reviewer");
  return (
    <Scrolls label={text("versions")}>
      <Table verticalSpacing="xs" miw={560}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{text("version")}</Table.Th>
            <Table.Th>{text("note")}</Table.Th>
            <Table.Th ta="right">{text("samples")}</Table.Th>
            <Table.Th>{text("frozenAt")}</Table.Th>
            {exports && <Table.Th>{text("export")}</Table.Th>}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {versions.map((version) => (
            <Table.Tr key={version.id}>
              <Table.Td>
                <Code title={version.id}>{version.id.slice(0, 8)}</Code>
              </Table.Td>
              <Table.Td maw={320} style={{ overflowWrap: "anywhere" }}>
                {version.note || (
                  <Text span size="sm" c="dimmed">
                    {text("noNote")}
                  </Text>
                )}
              </Table.Td>
              <Table.Td ta="right" className="figures">
                {format.number(version.samples)}
              </Table.Td>
              <Table.Td>
                <Text size="sm">{format.time(version.created_ms)}</Text>
                <Text size="xs" c="dimmed">
                  {version.by}
                </Text>
              </Table.Td>
              {exports && (
                <Table.Td>
                  <Export id={version.id} />
                </Table.Td>
              )}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Scrolls>
  );
}

function Export({ id }: { id: string }) {
  const text = useDatasetText();
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <Button
          size="compact-sm"
          variant="default"
          leftSection={<IconDownload size={16} />}
          aria-label={text("exportOf", { id: id.slice(0, 8) })}
        >
          {text("zip")}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {layouts.map((layout) => (
          <Menu.Item
            key={layout}
            component="a"
            href={at(`/api/v1/dataset/versions/${encodeURIComponent(id)}/export?layout=${layout}`)}
            download
          >
            {text(layout)}
            <Text size="xs" c="dimmed">
              {text(`${layout}Hint`)}
            </Text>
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
