// What a bin sees, as it sees it: the last items, their confidence, and how many of which class.

import { Group, Progress, ScrollArea, Stack, Table, Text, Title } from "@mantine/core";
import { IconCheck, IconX } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import type { ItemSeen } from "../../api/queries";
import { ClassBadge } from "../../components/ClassBadge";
import { Loaded } from "../../components/states";
import { classColour, useClassName } from "../../i18n/classes";
import { useFormat } from "../../i18n/format";
import { byClass, medianLatency, quality } from "./items";
import { itemsOf } from "./queries";
import { Sparkline } from "./Sparkline";
import { useFleetText } from "./text";

/** Items that are listed. */
const LISTED = 50;

export function Items({ id }: { id: string }) {
  const text = useFleetText();
  const query = useQuery(itemsOf(id));
  return (
    <section className="card">
      <Title order={2} size="h4" mb="xs">
        {text("items")}
      </Title>
      <Loaded query={query}>
        {(items) =>
          items.length === 0 ? (
            <Text c="dimmed">{text("noItems")}</Text>
          ) : (
            <div className="tiles" style={{ "--tile": "22rem" } as React.CSSProperties}>
              <Figures items={items} />
              <Log items={items.slice(0, LISTED)} />
            </div>
          )
        }
      </Loaded>
    </section>
  );
}

function Figures({ items }: { items: readonly ItemSeen[] }) {
  const text = useFleetText();
  const format = useFormat();
  const className = useClassName();
  const { sure, right, judged } = quality(items);
  const latency = medianLatency(items);
  const classes = byClass(items);
  const most = classes[0]?.items ?? 1;
  const summary = [
    sure !== null && text("sureShare", { share: format.percent(sure) }),
    right !== null && text("rightShare", { share: format.percent(right), items: format.number(judged) }),
    latency !== null && text("latency", { time: format.duration(latency) }),
  ].filter(Boolean);
  return (
    <Stack gap="sm">
      <div>
        <Text size="sm" fw={600}>
          {text("confidence")}
        </Text>
        <Sparkline items={items} label={text("confidenceLine", { items: Math.min(items.length, 100) })} />
        <Text size="xs" c="dimmed">
          {text("unsureMark")}
        </Text>
      </div>
      <Text size="sm">{summary.join(" · ")}</Text>
      <div>
        <Text size="sm" fw={600} mb={4}>
          {text("byClass", { items: format.number(items.length) })}
        </Text>
        {classes.map(({ label, items: count }) => (
          <Group key={label} gap="xs" wrap="nowrap">
            <Text size="sm" w={90} truncate>
              {className(label)}
            </Text>
            <Progress
              value={(count / most) * 100}
              color={classColour(label)}
              size="md"
              style={{ flex: 1 }}
              aria-hidden
            />
            <Text size="sm" className="figures" w={44} ta="right">
              {format.number(count)}
            </Text>
          </Group>
        ))}
      </div>
    </Stack>
  );
}

function Log({ items }: { items: readonly ItemSeen[] }) {
  const text = useFleetText();
  const format = useFormat();
  const className = useClassName();
  return (
    <ScrollArea.Autosize
      mah={340}
      type="auto"
      viewportProps={{ tabIndex: 0, role: "region", "aria-label": text("items") }}
    >
      <Table verticalSpacing={4} aria-label={text("items")}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col">{text("when")}</Table.Th>
            <Table.Th scope="col">{text("class")}</Table.Th>
            <Table.Th scope="col">{text("confidence")}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {items.map((item) => (
            <Table.Tr key={item.id}>
              <Table.Td className="figures">{format.clock(item.at_ms)}</Table.Td>
              <Table.Td>
                <Group gap={6} wrap="nowrap">
                  <ClassBadge label={item.label} />
                  {item.truth &&
                    (item.truth === item.label ? (
                      <IconCheck size={16} aria-label={text("right")} />
                    ) : (
                      <IconX size={16} aria-label={text("wrong", { truth: className(item.truth) })} />
                    ))}
                </Group>
              </Table.Td>
              <Table.Td>
                <Text size="sm" span className="figures">
                  {format.finePercent(item.confidence)}
                </Text>
                {!item.sure && (
                  <Text size="xs" span c="dimmed">
                    {` ${text("unsure")}`}
                  </Text>
                )}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </ScrollArea.Autosize>
  );
}
