// What the gate says of a version: rule by rule, what was asked and what was measured.

import { Accordion, Alert, List, Stack, Text, ThemeIcon } from "@mantine/core";
import { IconCheck, IconX } from "@tabler/icons-react";
import type { Schemas } from "../../api/client";
import { HubWords } from "../HubWords";
import styles from "./GateReport.module.css";
import { useModelText } from "./text";

/** The hub's names of the rules, and their texts. */
const rules = {
  "golden outputs": "ruleGolden",
  classes: "ruleClasses",
  accuracy: "ruleAccuracy",
  McNemar: "ruleMcNemar",
  "each class": "ruleEachClass",
  baseline: "ruleBaseline",
  calibration: "ruleCalibration",
  latency: "ruleLatency",
  size: "ruleSize",
} as const;

export function GateReport({ verdict }: { verdict: Schemas["Verdict"] }) {
  const text = useModelText();
  const failed = verdict.rules.filter((rule) => !rule.passed).length;
  const notes = verdict.notes ?? [];
  return (
    <Stack gap="sm">
      <Alert
        color={verdict.passed ? "leaf" : "red"}
        icon={verdict.passed ? <IconCheck /> : <IconX />}
        py="xs"
        title={text(verdict.passed ? "gatePassed" : "gateRefused")}
      >
        {verdict.passed
          ? text("gatePassedHint", { count: verdict.rules.length })
          : text("gateRefusedHint", { count: failed, rules: verdict.rules.length })}
      </Alert>
      <ul className={styles.rules}>
        {verdict.rules.map((rule) => (
          <RuleRow key={rule.rule} rule={rule} />
        ))}
      </ul>
      {notes.length > 0 && (
        <Accordion variant="contained" chevronPosition="left">
          <Accordion.Item value="notes">
            <Accordion.Control>
              <Text size="sm">{text("gateNotes")}</Text>
            </Accordion.Control>
            <Accordion.Panel>
              <List size="sm" spacing="xs">
                {notes.map((note) => (
                  <List.Item key={note}>
                    <HubWords size="sm">{note}</HubWords>
                  </List.Item>
                ))}
              </List>
            </Accordion.Panel>
          </Accordion.Item>
        </Accordion>
      )}
    </Stack>
  );
}

function RuleRow({ rule }: { rule: Schemas["Rule"] }) {
  const text = useModelText();
  const key = rules[rule.rule as keyof typeof rules];
  return (
    <li className={styles.rule}>
      <ThemeIcon
        size="sm"
        radius="xl"
        color={rule.passed ? "leaf" : "red"}
        variant="light"
        role="img"
        aria-label={text(rule.passed ? "met" : "notMet")}
      >
        {rule.passed ? <IconCheck size={14} /> : <IconX size={14} />}
      </ThemeIcon>
      <div>
        <Text size="sm" fw={600}>
          {key ? text(key) : rule.rule}
        </Text>
        <HubWords size="xs" c="dimmed">
          {rule.reason}
        </HubWords>
        <dl className={`${styles.figures} figures`}>
          <Figure name={text("measured")} words={rule.measured} bold={!rule.passed} />
          <Figure name={text("wanted")} words={rule.wanted} />
        </dl>
      </div>
    </li>
  );
}

function Figure({ name, words, bold = false }: { name: string; words?: string; bold?: boolean }) {
  if (!words) return null;
  return (
    <div>
      <Text component="dt" size="xs" c="dimmed">
        {name}
      </Text>
      <dd>
        <HubWords size="sm" fw={bold ? 650 : 400}>
          {words}
        </HubWords>
      </dd>
    </div>
  );
}
