// What the hub runs with, and what changes each of it.

import { Anchor, Code, Stack, Table, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Schemas } from "../../api/client";
import { Heads } from "../../components/Heads";
import { Scrolls } from "../../components/Scrolls";
import { Loaded } from "../../components/states";
import { useFormat } from "../../i18n/format";
import { settings } from "./queries";
import { type SettingsText, textOf, useSettingsText } from "./text";

type Setting = Schemas["Setting"];

/** The value of a setting in words and units. */
export function shownValue(setting: Setting, text: SettingsText, format: ReturnType<typeof useFormat>): string {
  const value = setting.value as unknown;
  if (value === null || value === undefined) return text("off");
  if (typeof value === "boolean") return text(value ? "yes" : "no");
  if (typeof value !== "number") return String(value);
  switch (setting.unit) {
    case "bytes":
      return format.bytes(value);
    case "megabytes":
      return format.bytes(value * 1e6);
    case "days":
      return text("inDays", { days: format.number(value) });
    case "minutes":
      return text("inMinutes", { minutes: format.number(value) });
    case "milliseconds":
      return format.duration(value);
    case "share":
      return format.finePercent(value);
    default:
      return format.decimal(value);
  }
}

export function Configuration() {
  const text = useSettingsText();
  const query = useQuery(settings);
  return (
    <Stack maw={960}>
      <Text size="sm" c="dimmed">
        {text("configurationHint")}
      </Text>
      <Loaded query={query} lines={10}>
        {({ settings: list }) => {
          const groups = [...new Set(list.map(({ group }) => group))];
          return (
            <Stack>
              {groups.map((group) => (
                <Group key={group} group={group} list={list.filter((setting) => setting.group === group)} />
              ))}
            </Stack>
          );
        }}
      </Loaded>
    </Stack>
  );
}

function Group({ group, list }: { group: Setting["group"]; list: readonly Setting[] }) {
  const text = useSettingsText();
  const format = useFormat();
  const title = textOf(text, `group_${group}`) ?? group;
  return (
    <section className="card">
      <Title order={2} size="h4" mb={4}>
        {title}
      </Title>
      {group === "gate" && (
        <Text size="sm" mb="xs">
          <Anchor component={Link} to="/models">
            {text("gateLink")}
          </Anchor>
        </Text>
      )}
      <Scrolls label={title}>
        <Table miw={520} verticalSpacing={6} layout="fixed">
          <Heads names={[text("setting"), text("value"), text("how")]} />
          <Table.Tbody>
            {list.map((setting) => (
              <Table.Tr key={setting.name}>
                <Table.Th scope="row" fw={400}>
                  {textOf(text, `setting_${setting.name}`) ?? setting.name}
                </Table.Th>
                <Table.Td style={{ overflowWrap: "anywhere" }}>{shownValue(setting, text, format)}</Table.Td>
                <Table.Td>
                  {setting.how ? <Code>{setting.how}</Code> : <Text size="sm">{text("nothing")}</Text>}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Scrolls>
    </section>
  );
}
