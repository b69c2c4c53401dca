// Numbers and times as each language writes them.

import { expect, it } from "vitest";
import { formats } from "./format";

const en = formats("en");
const id = formats("id");

it("writes numbers and shares by the language", () => {
  expect([en.number(1234567), id.number(1234567)]).toEqual(["1,234,567", "1.234.567"]);
  expect([en.finePercent(0.8765), id.finePercent(0.8765)]).toEqual(["87.7%", "87,7%"]);
  expect([en.decimal(0.5), id.decimal(0.5)]).toEqual(["0.5", "0,5"]);
});

it.each([
  [0, "now"],
  [-30_000, "30 seconds ago"],
  [-90_000, "1 minute ago"],
  [-7_200_000, "2 hours ago"],
  [-86_400_000, "yesterday"],
  [86_400_000, "tomorrow"],
])("says how long ago %i ms are", (distance, words) => {
  expect(en.ago(1_000_000_000_000 + distance, 1_000_000_000_000)).toBe(words);
});

it.each([
  [0, "0 byte"],
  [999, "999 byte"],
  [1_500, "1.5 kB"],
  [980_000_000, "980 MB"],
  [5e15, "5,000 TB"],
])("writes %i bytes", (bytes, words) => {
  expect(en.bytes(bytes)).toBe(words);
});

it.each([
  [40, "40ms"],
  [4_200, "4.2s"],
  [180_000, "3m"],
  [5_400_000, "1.5h"],
])("writes a span of %i ms", (span, words) => {
  expect(en.duration(span)).toBe(words);
});
