// What to look for in the audit log: who, which kind of thing, and when.

import { Group, NativeSelect, TextInput } from "@mantine/core";
import type { AuditSearch } from "./queries";
import { useSettingsText } from "./text";

/** Kinds of entries, by how their names begin; "" is all. */
const kinds = [
  "",
  "login.",
  "labels.",
  "samples.",
  "dataset.",
  "bin.",
  "model.",
  "keys.",
  "program.",
  "training.",
  "forecast.",
  "user.",
  "subscriber.",
] as const;

/** A day as milliseconds since 1970, at its start where the browser is; undefined if there is none. */
function dayStart(day: string, later = 0): number | undefined {
  const [year, month, date] = day.split("-").map(Number);
  if (year === undefined || month === undefined || date === undefined || Number.isNaN(year)) return undefined;
  return new Date(year, month - 1, date + later).getTime();
}

/** What is typed into the fields. */
export interface AuditFields {
  who: string;
  kind: string;
  from: string;
  to: string;
}

export const noFields: AuditFields = { who: "", kind: "", from: "", to: "" };

/** What the hub is asked for; both days are included. */
export function searchOf({ who, kind, from, to }: AuditFields): AuditSearch {
  const [from_ms, to_ms] = [dayStart(from), dayStart(to, 1)];
  return {
    ...(who.trim() !== "" && { who: who.trim() }),
    ...(kind !== "" && { what: kind }),
    ...(from_ms !== undefined && { from_ms }),
    ...(to_ms !== undefined && { to_ms }),
  };
}

export function AuditFilter({ fields, onChange }: { fields: AuditFields; onChange: (fields: AuditFields) => void }) {
  const text = useSettingsText();
  const set = (name: keyof AuditFields) => (event: { currentTarget: { value: string } }) =>
    onChange({ ...fields, [name]: event.currentTarget.value });
  const nameOf = (kind: string) => text(`kind_${kind.replace(".", "") || "all"}` as Parameters<typeof text>[0]);
  return (
    <Group align="end" gap="sm">
      <NativeSelect
        label={text("kind")}
        value={fields.kind}
        onChange={set("kind")}
        data={kinds.map((kind) => ({ value: kind, label: nameOf(kind) }))}
      />
      <TextInput label={text("who")} value={fields.who} onChange={set("who")} maxLength={200} autoCapitalize="none" />
      <TextInput type="date" label={text("fromDay")} value={fields.from} onChange={set("from")} />
      <TextInput type="date" label={text("toDay")} value={fields.to} onChange={set("to")} />
    </Group>
  );
}
