// What narrows the list of bins.

import { Group, Select, Switch, TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { type Choice, type Column, columns, modelsOf } from "./choose";
import type { BinView } from "./telemetry";
import { useFleetText } from "./text";

export function Filters({
  bins,
  choice,
  onChange,
  withSort,
}: {
  bins: readonly BinView[];
  choice: Choice;
  onChange: (choice: Choice) => void;
  /** Offers the order too, where no heads of columns do. */
  withSort: boolean;
}) {
  const text = useFleetText();
  const set = (change: Partial<Choice>) => onChange({ ...choice, ...change });
  return (
    <search>
      <Group gap="sm" mb="sm">
        <TextInput
          aria-label={text("search")}
          placeholder={text("search")}
          leftSection={<IconSearch size={16} />}
          value={choice.text}
          onChange={(event) => set({ text: event.currentTarget.value })}
          style={{ flex: "1 1 12rem" }}
        />
        <Select
          aria-label={text("connection")}
          allowDeselect={false}
          value={choice.online}
          onChange={(online) => set({ online: (online ?? "all") as Choice["online"] })}
          data={(["all", "online", "offline"] as const).map((value) => ({
            value,
            label: text(value === "all" ? "anyConnection" : value),
          }))}
          style={{ flex: "0 1 9rem" }}
        />
        <Select
          aria-label={text("model")}
          placeholder={text("anyModel")}
          clearable
          clearButtonProps={{ "aria-label": text("anyModel") }}
          value={choice.model}
          onChange={(model) => set({ model })}
          data={modelsOf(bins)}
          style={{ flex: "0 1 11rem" }}
        />
        {withSort && (
          <Select
            aria-label={text("order")}
            allowDeselect={false}
            value={choice.sort}
            onChange={(sort) => set({ sort: sort as Column, descending: sort !== "name" && sort !== "model" })}
            data={columns.map((column) => ({
              value: column,
              label: text("orderBy", { column: text(`column_${column}`) }),
            }))}
            style={{ flex: "0 1 11rem" }}
          />
        )}
        <Switch
          label={text("onlyAttention")}
          checked={choice.attention}
          onChange={(event) => set({ attention: event.currentTarget.checked })}
        />
      </Group>
    </search>
  );
}
