// Which samples are looked for: from the address, and as the hub is asked. Pure.

import type { paths } from "../../../api/schema";
import type { Address } from "../../../components/useAddress";

/** What the hub is asked. */
export type Question = NonNullable<paths["/api/v1/search"]["get"]["parameters"]["query"]>;

/** Names in the address that are a filter. */
export const filterNames = [
  "label",
  "bin",
  "source",
  "split",
  "from",
  "to",
  "unsureFrom",
  "unsureTo",
  "suspect",
  "random",
  "sort",
] as const;

/** One of [filterNames]. */
export type FilterName = (typeof filterNames)[number];

/** What stands for samples without a label, where a label stands else; no class is called so. */
export const unlabelled = "?";

/** How many filters narrow what is shown; the order of the samples is none. */
export function countOf(address: Address): number {
  return filterNames.filter((name) => name !== "sort" && address[name]).length;
}

/** The question for what the address says; whatever it says that is none is left out. */
export function questionOf(address: Address): Question {
  const question: Question = {};
  if (address.label === unlabelled) question.unlabelled = true;
  else if (address.label) question.label = address.label;
  if (address.bin) question.bin = address.bin;
  if (address.source) question.source = address.source;
  if (address.split) question.split = address.split;
  const from = dayOf(address.from);
  if (from !== null) question.from_ms = from;
  const to = dayOf(address.to, 1);
  if (to !== null) question.to_ms = to;
  const unsureFrom = shareOf(address.unsureFrom);
  if (unsureFrom !== null) question.unsure_from = unsureFrom;
  const unsureTo = shareOf(address.unsureTo);
  if (unsureTo !== null) question.unsure_to = unsureTo;
  if (address.suspect === "true") question.suspect = true;
  if (address.random === "true") question.random = true;
  if (address.sort === "unsure") question.sort = "unsure";
  return question;
}

/** The begin of a day such as `2026-11-23`, by this device's clock, in milliseconds since 1970. */
function dayOf(day: string | undefined, daysLater = 0): number | null {
  const parts = day?.match(/^(\d{4})-(\d{2})-(\d{2})$/);
  if (!parts) return null;
  return new Date(Number(parts[1]), Number(parts[2]) - 1, Number(parts[3]) + daysLater).getTime();
}

/** Percent as the address says them, as a share of 0 to 1. */
function shareOf(percent: string | undefined): number | null {
  const value = percent ? Number(percent) : Number.NaN;
  return value >= 0 && value <= 100 ? value / 100 : null;
}
