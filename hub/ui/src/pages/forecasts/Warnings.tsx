// What a person should act on, or beware of.

import { Alert, List, Stack, Text } from "@mantine/core";
import { IconAlertTriangle, IconInfoCircle } from "@tabler/icons-react";
import { useForecastText } from "./text";

/** The kinds of warnings that the hub knows, by how they begin. */
const kinds = {
  "stock-out": { key: "warnStockOut", colour: "red" },
  overstock: { key: "warnOverstock", colour: "orange" },
  "too little data": { key: "warnLittleData", colour: "yellow" },
  drift: { key: "warnDrift", colour: "yellow" },
  "poor skill": { key: "warnPoorSkill", colour: "yellow" },
} as const;

/** The kind of a warning, and the words after it. */
export function warningParts(warning: string): { kind: keyof typeof kinds | null; words: string } {
  const kind = (Object.keys(kinds) as (keyof typeof kinds)[]).find((name) => warning.startsWith(`${name}:`));
  return kind ? { kind, words: warning.slice(kind.length + 1).trim() } : { kind: null, words: warning };
}

export function Warnings({ warnings, notes }: { warnings: readonly string[]; notes: readonly string[] }) {
  const text = useForecastText();
  if (warnings.length + notes.length === 0) return null;
  return (
    <Stack gap="xs">
      {warnings.map((warning) => {
        const { kind, words } = warningParts(warning);
        return (
          <Alert
            key={warning}
            color={kind ? kinds[kind].colour : "yellow"}
            icon={<IconAlertTriangle />}
            title={kind ? text(kinds[kind].key) : undefined}
            py="xs"
          >
            {words}
          </Alert>
        );
      })}
      {notes.length > 0 && (
        <Alert color="gray" icon={<IconInfoCircle />} title={text("notes")} py="xs">
          <List size="sm">
            {notes.map((note) => (
              <List.Item key={note}>
                <Text size="sm">{note}</Text>
              </List.Item>
            ))}
          </List>
        </Alert>
      )}
    </Stack>
  );
}
