// The fields by which samples are looked for.

import { Box, Button, Group, Input, NativeSelect, RangeSlider, Switch, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { bins, classes } from "../../../api/queries";
import { sourceKey } from "../../../components/sample/Known";
import { useSampleText } from "../../../components/sample/text";
import type { Address, SetAddress } from "../../../components/useAddress";
import { useClassName } from "../../../i18n/classes";
import { useDatasetText } from "../text";
import { unlabelled } from "./filter";

export function Filters({
  address,
  onChange,
  onClear,
  count,
}: {
  address: Address;
  onChange: SetAddress;
  onClear: () => void;
  count: number;
}) {
  const text = useDatasetText();
  const words = useSampleText();
  const name = useClassName();
  const known = useQuery(classes).data?.classes ?? [];
  const allBins = useQuery(bins).data ?? [];
  const any = { value: "", label: text("any") };

  const select = (field: string, options: { value: string; label: string }[], label: string) => (
    <NativeSelect
      label={label}
      value={address[field] ?? ""}
      onChange={(event) => onChange({ [field]: event.currentTarget.value })}
      data={options}
    />
  );

  return (
    <Box component="section" role="search" className="card" aria-label={text("filters")}>
      <Box className="tiles" __vars={{ "--tile": "8.5rem" }}>
        {select(
          "label",
          [
            any,
            { value: unlabelled, label: text("noLabel") },
            ...known.map((each) => ({ value: each.label, label: name(each.label) })),
            { value: "unusable", label: name("unusable") },
          ],
          text("byLabel"),
        )}
        {select("bin", [any, ...allBins.map((bin) => ({ value: bin.id, label: bin.name || bin.id }))], text("byBin"))}
        {select(
          "source",
          [any, ...["bin", "upload", "import"].map((value) => ({ value, label: words(sourceKey(value)) }))],
          text("bySource"),
        )}
        {select(
          "split",
          [any, ...(["train", "validation", "test"] as const).map((value) => ({ value, label: text(value) }))],
          text("bySplit"),
        )}
        <TextInput
          type="date"
          label={text("from")}
          value={address.from ?? ""}
          max={address.to}
          onChange={(event) => onChange({ from: event.currentTarget.value })}
        />
        <TextInput
          type="date"
          label={text("to")}
          value={address.to ?? ""}
          min={address.from}
          onChange={(event) => onChange({ to: event.currentTarget.value })}
        />
        {select(
          "sort",
          [
            { value: "", label: text("newest") },
            { value: "unsure", label: text("unsureFirst") },
          ],
          text("sort"),
        )}
        <Unsure address={address} onChange={onChange} />
      </Box>
      <Group mt="md" justify="space-between">
        <Group gap="lg">
          <Switch
            label={text("suspectOnly")}
            checked={address.suspect === "true"}
            onChange={(event) => onChange({ suspect: event.currentTarget.checked ? "true" : "" })}
          />
          <Switch
            label={text("randomOnly")}
            checked={address.random === "true"}
            onChange={(event) => onChange({ random: event.currentTarget.checked ? "true" : "" })}
          />
        </Group>
        {count > 0 && (
          <Button variant="default" size="sm" onClick={onClear}>
            {text("clear")}
          </Button>
        )}
      </Group>
    </Box>
  );
}

/** How unsure the model is of them, in percent. */
function Unsure({ address, onChange }: { address: Address; onChange: SetAddress }) {
  const text = useDatasetText();
  const chosen: [number, number] = [percentOf(address.unsureFrom, 0), percentOf(address.unsureTo, 100)];
  const [value, setValue] = useState(chosen);
  const [from, to] = chosen;
  useEffect(() => setValue([from, to]), [from, to]);
  return (
    <Input.Wrapper label={text("byUnsure", { from: value[0], to: value[1] })} labelElement="div">
      <RangeSlider
        mt={10}
        value={value}
        onChange={setValue}
        onChangeEnd={([low, high]) =>
          onChange({ unsureFrom: low > 0 ? String(low) : "", unsureTo: high < 100 ? String(high) : "" })
        }
        label={null}
        step={5}
        minRange={5}
        thumbFromLabel={text("unsureAtLeast")}
        thumbToLabel={text("unsureAtMost")}
      />
    </Input.Wrapper>
  );
}

function percentOf(value: string | undefined, otherwise: number): number {
  const percent = value ? Number(value) : Number.NaN;
  return percent >= 0 && percent <= 100 ? percent : otherwise;
}
