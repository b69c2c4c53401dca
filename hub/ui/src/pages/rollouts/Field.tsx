// How the new version does in the field, against the one in service.

import { Alert, Badge, Group, Stack, Table, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { api, type Schemas, unwrap } from "../../api/client";
import { Card } from "../../components/Card";
import { HubWords } from "../../components/HubWords";
import { Scrolls } from "../../components/Scrolls";
import { Loaded } from "../../components/states";
import { useClassName } from "../../i18n/classes";
import { useFormat } from "../../i18n/format";
import { Interval } from "./Interval";
import { useRolloutsText } from "./text";

type Comparison = Schemas["FieldComparison"];
type Measured = Comparison["measures"][number];

const verdicts = {
  not_yet: { text: "verdictNotYet", colour: "gray" },
  better: { text: "verdictBetter", colour: "leaf" },
  no_worse: { text: "verdictNoWorse", colour: "leaf" },
  worse: { text: "verdictWorse", colour: "red" },
} as const;

const findings = {
  not_yet: { text: "findingNotYet", colour: "gray" },
  better: { text: "findingBetter", colour: "leaf" },
  no_worse: { text: "findingNoWorse", colour: "leaf" },
  worse: { text: "findingWorse", colour: "red" },
} as const;

/** The hub compares anew after so long, in milliseconds. */
const FRESH_MS = 60_000;

/** No scale reaches less far, so that small differences look small. */
const LEAST_REACH = 0.1;

export function Field({ rollout }: { rollout: number }) {
  const text = useRolloutsText();
  const found = useQuery({
    queryKey: ["rollouts", rollout, "comparison"],
    queryFn: () => unwrap(api.GET("/api/v1/rollouts/{id}/comparison", { params: { path: { id: rollout } } })),
    refetchInterval: FRESH_MS,
  });
  return (
    <Card title={text("field")} hint={text("fieldHint")}>
      <Loaded query={found} lines={5}>
        {(comparison) => <Found comparison={comparison} />}
      </Loaded>
    </Card>
  );
}

function Found({ comparison }: { comparison: Comparison }) {
  const text = useRolloutsText();
  const verdict = verdicts[comparison.verdict];
  const reach = Math.max(LEAST_REACH, ...comparison.measures.map((each) => 1.5 * each.tolerance), ...ends(comparison));
  return (
    <Stack gap="sm">
      <Alert color={verdict.colour} py="xs" title={text(verdict.text)} role="status">
        {comparison.verdict === "worse" ? (
          <HubWords size="sm">{comparison.words}</HubWords>
        ) : (
          comparison.missing.map((words) => (
            <HubWords key={words} size="sm">
              {words}
            </HubWords>
          ))
        )}
      </Alert>
      <Scrolls label={text("field")}>
        <Table verticalSpacing="xs" miw={620}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{text("measure")}</Table.Th>
              <Table.Th ta="right">{text("newVersion")}</Table.Th>
              <Table.Th ta="right">{text("inService")}</Table.Th>
              <Table.Th>{text("difference")}</Table.Th>
              <Table.Th>{text("says")}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {comparison.measures.map((each) => (
              <Row key={`${each.measure} ${each.measure === "share" ? each.label : ""}`} each={each} reach={reach} />
            ))}
          </Table.Tbody>
        </Table>
      </Scrolls>
      <Text size="xs" c="dimmed">
        {text("fieldMethod")}
      </Text>
    </Stack>
  );
}

/** The ends of all intervals, up to a half: a scale that reaches further shows nothing. */
function ends(comparison: Comparison): number[] {
  return comparison.measures.flatMap((each) => (each.interval ?? []).map((end) => Math.min(0.5, Math.abs(end))));
}

function Row({ each, reach }: { each: Measured; reach: number }) {
  const text = useRolloutsText();
  const format = useFormat();
  const className = useClassName();
  const finding = findings[each.finding];
  const name =
    each.measure === "share" ? text("measureShare", { label: className(each.label) }) : text(names[each.measure]);
  const bad = each.measure === "share" ? 0 : each.measure === "unsure" ? 1 : -1;
  return (
    <Table.Tr>
      <Table.Td>{name}</Table.Td>
      <Figure share={each.new} items={each.new_items} />
      <Figure share={each.others} items={each.other_items} />
      <Table.Td>
        {typeof each.difference === "number" && each.interval ? (
          <Stack gap={2}>
            <Interval
              value={each.difference}
              interval={[each.interval[0] ?? -1, each.interval[1] ?? 1]}
              tolerance={each.tolerance}
              reach={reach}
              bad={bad}
            />
            <Text size="xs" c="dimmed" className="figures">
              {text("between", {
                low: format.points(each.interval[0] ?? -1),
                high: format.points(each.interval[1] ?? 1),
              })}
            </Text>
          </Stack>
        ) : (
          <Text size="xs" c="dimmed">
            {text("tooFew")}
          </Text>
        )}
      </Table.Td>
      <Table.Td>
        <Badge variant="light" color={finding.colour}>
          {text(finding.text)}
        </Badge>
      </Table.Td>
    </Table.Tr>
  );
}

const names = { right: "measureRight", unsure: "measureUnsure", confidence: "measureConfidence" } as const;

function Figure({ share, items }: { share?: number | null; items: number }) {
  const text = useRolloutsText();
  const format = useFormat();
  return (
    <Table.Td ta="right" className="figures">
      <Group gap={0} justify="flex-end" style={{ flexDirection: "column", alignItems: "flex-end" }}>
        <Text size="sm" fw={600}>
          {typeof share === "number" ? format.finePercent(share) : "–"}
        </Text>
        <Text size="xs" c="dimmed">
          {text("ofItems", { count: items, number: format.number(items) })}
        </Text>
      </Group>
    </Table.Td>
  );
}
