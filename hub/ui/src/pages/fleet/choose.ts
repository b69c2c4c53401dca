// Which bins are listed, and in what order.

import { type BinView, concernsOf, telemetryOf } from "./telemetry";

/** What the list may be sorted by. */
export const columns = ["name", "online", "model", "seen", "fill", "attention"] as const;

/** One of [columns]. */
export type Column = (typeof columns)[number];

/** What is wanted of the list. */
export interface Choice {
  /** A part of the name, the id, the group or the address. */
  text: string;
  online: "all" | "online" | "offline";
  /** A model version, or null for all. */
  model: string | null;
  /** Only bins that a person should look at. */
  attention: boolean;
  sort: Column;
  descending: boolean;
}

export const firstChoice: Choice = {
  text: "",
  online: "all",
  model: null,
  attention: false,
  sort: "name",
  descending: false,
};

type Compared = string | number;

function keyOf(bin: BinView, column: Column): Compared {
  switch (column) {
    case "name":
      return bin.name;
    case "online":
      return bin.online ? 1 : 0;
    case "model":
      return bin.model ?? "";
    case "seen":
      return bin.last_seen_ms ?? 0;
    case "fill":
      return telemetryOf(bin).fill ?? -1;
    case "attention":
      return concernsOf(bin).length;
  }
}

/** The bins that are wanted, in the order that is wanted; bins that are alike by name. */
export function chosen(bins: readonly BinView[], choice: Choice, locale: string): BinView[] {
  const text = choice.text.trim().toLocaleLowerCase(locale);
  const collator = new Intl.Collator(locale, { numeric: true });
  const found = bins.filter((bin) => {
    if (choice.online !== "all" && bin.online !== (choice.online === "online")) return false;
    if (choice.model !== null && bin.model !== choice.model) return false;
    if (choice.attention && concernsOf(bin).length === 0) return false;
    const words = [bin.name, bin.id, bin.group, bin.place?.address].join("\n").toLocaleLowerCase(locale);
    return words.includes(text);
  });
  const keyed = found.map((bin) => ({ bin, key: keyOf(bin, choice.sort) }));
  const direction = choice.descending ? -1 : 1;
  keyed.sort((a, b) => {
    const order =
      typeof a.key === "string" && typeof b.key === "string"
        ? collator.compare(a.key, b.key)
        : Number(a.key) - Number(b.key);
    return order * direction || collator.compare(a.bin.name, b.bin.name) || collator.compare(a.bin.id, b.bin.id);
  });
  return keyed.map(({ bin }) => bin);
}

/** The models that bins have. */
export function modelsOf(bins: readonly BinView[]): string[] {
  const models = new Set(bins.flatMap((bin) => bin.model ?? []));
  return [...models].sort(new Intl.Collator("en", { numeric: true }).compare);
}
