// Which bin to collect on which day, so that none overflows likelier than is accepted.

import { Anchor, Badge, Chip, Group, Select, Stack, Table, Text, Title } from "@mantine/core";
import { IconAlertTriangle, IconCalendar, IconDownload } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import type { Schemas } from "../../api/client";
import { bins } from "../../api/queries";
import { Scrolls } from "../../components/Scrolls";
import { Empty, Loaded } from "../../components/states";
import { useLanguage } from "../../i18n";
import { useFormat } from "../../i18n/format";
import { msOf } from "./chart";
import { type PlanTerms, planFile, planOf, weekdays } from "./queries";
import { useForecastText } from "./text";

type Collection = Schemas["Collection"];

/** How many days ahead a plan may be, and what overflow is accepted, as people choose them. */
const spans = [7, 14, 30, 60];
const risks = [0.01, 0.05, 0.1, 0.2];

/** A Monday, to name the days of the week by. */
const MONDAY = Date.UTC(2024, 0, 1);

export function Plan() {
  const [terms, setTerms] = useState<PlanTerms>({ days: 14, risk: 0.05, weekdays: [] });
  const query = useQuery(planOf(terms));
  return (
    <Stack>
      <Terms terms={terms} onChange={setTerms} />
      <Loaded query={query}>{(plan) => <Days plan={plan} terms={terms} />}</Loaded>
    </Stack>
  );
}

function Terms({ terms, onChange }: { terms: PlanTerms; onChange: (terms: PlanTerms) => void }) {
  const text = useForecastText();
  const format = useFormat();
  const name = new Intl.DateTimeFormat(useLanguage(), { weekday: "short", timeZone: "UTC" });
  return (
    <Group className="card" align="flex-end" gap="md">
      <Select
        label={text("planDays")}
        allowDeselect={false}
        w={130}
        value={String(terms.days)}
        onChange={(days) => onChange({ ...terms, days: Number(days) })}
        data={spans.map((days) => ({ value: String(days), label: text("inDays", { days }) }))}
      />
      <Select
        label={text("acceptedRisk")}
        allowDeselect={false}
        w={230}
        value={String(terms.risk)}
        onChange={(risk) => onChange({ ...terms, risk: Number(risk) })}
        data={risks.map((risk) => ({ value: String(risk), label: format.percent(risk) }))}
      />
      <div>
        <Text size="sm" fw={500} mb={4} id="truck-days">
          {text("truckDays")}
        </Text>
        <Group gap={4} role="group" aria-labelledby="truck-days">
          <Chip.Group
            multiple
            value={[...terms.weekdays]}
            onChange={(chosen) => onChange({ ...terms, weekdays: weekdays.filter((day) => chosen.includes(day)) })}
          >
            {weekdays.map((day, at) => (
              <Chip key={day} value={day} size="sm" variant="light">
                {name.format(MONDAY + at * 86_400_000)}
              </Chip>
            ))}
          </Chip.Group>
        </Group>
      </div>
    </Group>
  );
}

/** Collections by their day, in order; those without a day last. */
export function byDay(collections: readonly Collection[]): [string | null, Collection[]][] {
  const days = new Map<string | null, Collection[]>();
  for (const collection of collections) {
    const day = collection.day ?? null;
    days.set(day, [...(days.get(day) ?? []), collection]);
  }
  return [...days].sort(([a], [b]) => (a === null ? 1 : b === null ? -1 : a.localeCompare(b)));
}

function Days({ plan, terms }: { plan: Schemas["CollectionPlan"]; terms: PlanTerms }) {
  const text = useForecastText();
  const format = useFormat();
  const weekday = new Intl.DateTimeFormat(useLanguage(), { weekday: "long" });
  if (plan.collections.length === 0 && plan.unplanned.length === 0) {
    return <Empty title={text("noPlan")}>{text("noPlanHint")}</Empty>;
  }
  const title = (day: string | null) =>
    day === null ? text("holdsOut", { days: plan.days }) : `${weekday.format(msOf(day))}, ${format.date(msOf(day))}`;
  return (
    <Stack>
      {plan.collections.length > 0 && (
        <Group gap="md">
          <Anchor href={planFile(terms, "csv")} download="collections.csv" size="sm">
            <Group gap={4}>
              <IconDownload size={16} aria-hidden />
              {text("planCsv")}
            </Group>
          </Anchor>
          <Anchor href={planFile(terms, "ics")} download="collections.ics" size="sm">
            <Group gap={4}>
              <IconCalendar size={16} aria-hidden />
              {text("planCalendar")}
            </Group>
          </Anchor>
        </Group>
      )}
      {byDay(plan.collections).map(([day, collections]) => (
        <section key={day ?? ""} className="card">
          <Title order={2} size="h4" mb={4}>
            {title(day)}
          </Title>
          <Bins collections={collections} label={title(day)} />
        </section>
      ))}
      {plan.unplanned.length > 0 && (
        <section className="card">
          <Title order={2} size="h4" mb={4}>
            {text("unplanned")}
          </Title>
          {plan.unplanned.map(({ bin, reason }) => (
            <Text key={bin} size="sm">
              <Anchor component={Link} to={`/fleet/${encodeURIComponent(bin)}`} underline="always">
                {bin}
              </Anchor>
              {`: ${reason}`}
            </Text>
          ))}
        </section>
      )}
    </Stack>
  );
}

function Bins({ collections, label }: { collections: readonly Collection[]; label: string }) {
  const text = useForecastText();
  const format = useFormat();
  const { data } = useQuery(bins);
  const name = (id: string) => data?.find((bin) => bin.id === id)?.name ?? id;
  return (
    <Scrolls label={label}>
      <Table miw={560} verticalSpacing={6} layout="fixed">
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col" w="36%">
              {text("bin")}
            </Table.Th>
            <Table.Th scope="col">{text("fillNow")}</Table.Th>
            <Table.Th scope="col">{text("fillThen")}</Table.Th>
            <Table.Th scope="col">{text("overflowRisk")}</Table.Th>
            <Table.Th scope="col">{text("collectFrom")}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {collections.map((collection) => (
            <Table.Tr key={collection.bin}>
              <Table.Th scope="row">
                <Anchor component={Link} to={`/fleet/${encodeURIComponent(collection.bin)}`}>
                  {name(collection.bin)}
                </Anchor>
                {collection.overdue && (
                  <Badge
                    ml="xs"
                    color="red"
                    variant="light"
                    tt="none"
                    leftSection={<IconAlertTriangle size={12} aria-hidden />}
                  >
                    {text("overdue")}
                  </Badge>
                )}
              </Table.Th>
              <Table.Td className="figures">{format.percent(collection.fill)}</Table.Td>
              <Table.Td className="figures">{format.percent(collection.expected_fill)}</Table.Td>
              <Table.Td className="figures">{format.percent(collection.risk)}</Table.Td>
              <Table.Td className="figures">{format.percent(collection.collect_from)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Scrolls>
  );
}
