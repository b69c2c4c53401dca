// A number that may be left out, and that is only passed on while it is one within its range.

import { NumberInput, type NumberInputProps } from "@mantine/core";
import { useEffect, useState } from "react";

/** @param value the number, or null if it is left out */
export function NumberField({
  value,
  onChange,
  min,
  max,
  ...props
}: Omit<NumberInputProps, "value" | "onChange"> & {
  value: number | null;
  onChange: (value: number | null) => void;
  min: number;
  max?: number;
}) {
  // What is being typed, such as a lone minus, is not a number yet.
  const [typed, setTyped] = useState<string | number>(value ?? "");
  useEffect(() => {
    if (value !== null) setTyped((before) => (before === value ? before : value));
  }, [value]);
  return (
    <NumberInput
      {...props}
      min={min}
      max={max}
      value={typed}
      onChange={(next) => {
        setTyped(next);
        if (next === "") onChange(null);
        else if (typeof next === "number" && next >= min && next <= (max ?? Number.POSITIVE_INFINITY)) onChange(next);
      }}
    />
  );
}
