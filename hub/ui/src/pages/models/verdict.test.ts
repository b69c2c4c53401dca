// A difference counts only where chance does not explain it.

import { expect, it } from "vitest";
import { probability, verdictOf } from "./verdict";

const test = (only_old: number, only_new: number, p: number) => ({ test: { only_old, only_new, p, p_worse: 0.5 } });

it.each([
  [test(0, 0, 1), "same"],
  [test(1, 4, 0.375), "chance"],
  [test(1, 12, 0.003), "b"],
  [test(15, 2, 0.002), "a"],
  [test(5, 14, 0.05), "chance"],
] as const)("%j is %s", (report, expected) => expect(verdictOf(report)).toBe(expected));

it("never rounds a probability to nothing", () => {
  const write = (value: number) => value.toFixed(2);
  expect(probability(0.375, write)).toBe("0.38");
  expect(probability(0.0004, write)).toBe("< 0.01");
});
