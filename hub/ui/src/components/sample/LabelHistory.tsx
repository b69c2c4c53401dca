// Who said what of a sample, and when.

import { List, Text } from "@mantine/core";
import type { Schemas } from "../../api/client";
import { useClassName } from "../../i18n/classes";
import { useFormat } from "../../i18n/format";
import { useSampleText } from "./text";

/** @param changes the oldest first */
export function LabelHistory({ changes }: { changes: Schemas["LabelChange"][] }) {
  const text = useSampleText();
  const format = useFormat();
  const name = useClassName();
  if (changes.length === 0) return null;
  const called = (label: string | null | undefined) => (label ? name(label) : text("unlabelled"));
  return (
    <section>
      <Text size="sm" fw={600}>
        {text("history")}
      </Text>
      <List size="sm" listStyleType="none">
        {changes.map((change, place) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a history only grows at its end
          <List.Item key={place}>
            {text(change.was ? "changedFrom" : "change", {
              by: change.by,
              was: called(change.was),
              label: called(change.label),
            })}{" "}
            <Text span size="xs" c="dimmed">
              {format.time(change.at_ms)}
            </Text>
          </List.Item>
        ))}
      </List>
    </section>
  );
}
