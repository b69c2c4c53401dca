// All rollouts, the newest first, of which one is looked at.

import { Badge, Table, UnstyledButton } from "@mantine/core";
import type { Schemas } from "../../api/client";
import { Card } from "../../components/Card";
import { Scrolls } from "../../components/Scrolls";
import { useFormat } from "../../i18n/format";
import { colours, phaseNames } from "./phase";
import { useRolloutsText } from "./text";

export function Past({
  rollouts,
  shown,
  onShow,
}: {
  rollouts: Schemas["RolloutView"][];
  shown: number;
  onShow: (id: number) => void;
}) {
  const text = useRolloutsText();
  const format = useFormat();
  return (
    <Card title={text("past")}>
      <Scrolls label={text("past")}>
        <Table verticalSpacing="xs" miw={420} highlightOnHover>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{text("another")}</Table.Th>
              <Table.Th>{text("began")}</Table.Th>
              <Table.Th>{text("state")}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rollouts.map((each) => (
              <Table.Tr key={each.id} bg={each.id === shown ? "var(--mantine-color-default-hover)" : undefined}>
                <Table.Td>
                  <UnstyledButton
                    fz="sm"
                    c="var(--mantine-color-anchor)"
                    aria-current={each.id === shown}
                    onClick={() => onShow(each.id)}
                  >
                    {each.version}
                  </UnstyledButton>
                </Table.Td>
                <Table.Td className="figures">{format.time(each.started_ms)}</Table.Td>
                <Table.Td>
                  <Badge variant="light" color={colours[each.phase]}>
                    {text(phaseNames[each.phase])}
                  </Badge>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Scrolls>
    </Card>
  );
}
