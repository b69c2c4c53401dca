// Every bin of the rollout, what needs a look first.

import { Anchor, Button, Group, SegmentedControl, Stack, Table, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { Card } from "../../components/Card";
import { HubWords } from "../../components/HubWords";
import { Scrolls } from "../../components/Scrolls";
import { useFormat } from "../../i18n/format";
import { byUrgency, type Member } from "./progress";
import { Sign } from "./Sign";
import { useRolloutsText } from "./text";

/** As many are shown at first. */
const few = 100;

export function Bins({ all }: { all: Member[] }) {
  const text = useRolloutsText();
  const [which, setWhich] = useState("all");
  const [most, setMost] = useState(few);
  const open = all.filter((member) => member.standing !== "inForce");
  const chosen = byUrgency(which === "open" ? open : all);
  return (
    <Card
      title={text("bins")}
      hint={text("binsHint")}
      actions={
        <SegmentedControl
          size="xs"
          aria-label={text("which")}
          value={which}
          onChange={setWhich}
          data={[
            { value: "all", label: text("all", { count: all.length }) },
            { value: "open", label: text("open", { count: open.length }) },
          ]}
        />
      }
    >
      {chosen.length === 0 ? (
        <Text size="sm">{text("allDone")}</Text>
      ) : (
        <Stack gap="sm">
          <Scrolls label={text("bins")}>
            <Table verticalSpacing="xs" miw={460}>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{text("bin")}</Table.Th>
                  <Table.Th>{text("standing")}</Table.Th>
                  <Table.Th>{text("has")}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {chosen.slice(0, most).map((member) => (
                  <Row key={member.bin} member={member} />
                ))}
              </Table.Tbody>
            </Table>
          </Scrolls>
          {chosen.length > most && (
            <Group justify="center">
              <Button variant="default" size="sm" onClick={() => setMost(most + few)}>
                {text("more")}
              </Button>
            </Group>
          )}
        </Stack>
      )}
    </Card>
  );
}

function Row({ member }: { member: Member }) {
  const text = useRolloutsText();
  const format = useFormat();
  return (
    <Table.Tr>
      <Table.Td>
        <Anchor component={Link} to="/fleet/$bin" params={{ bin: member.bin } as never} fz="sm">
          {member.bin}
        </Anchor>
        {member.name && member.name !== member.bin && (
          <Text size="xs" c="dimmed">
            {member.name}
          </Text>
        )}
      </Table.Td>
      <Table.Td>
        <Group gap={6} wrap="nowrap" align="flex-start">
          <Sign standing={member.standing} />
          <div>
            <Text size="sm">{text(member.standing)}</Text>
            {member.error && (
              <HubWords size="xs" c="dimmed">
                {member.error}
              </HubWords>
            )}
            {member.standing === "offline" && member.lastSeen !== null && (
              <Text size="xs" c="dimmed">
                {text("lastSeen", { ago: format.ago(member.lastSeen) })}
              </Text>
            )}
          </div>
        </Group>
      </Table.Td>
      <Table.Td className="figures">{member.model ?? text("noModel")}</Table.Td>
    </Table.Tr>
  );
}
