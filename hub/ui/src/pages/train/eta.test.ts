// The rest of a training is told by the pace so far, and not before there is a pace.

import { expect, it } from "vitest";
import { observed, remaining, type Seen } from "./eta";

const epoch = (done: number, at: number): Seen => ({ phase: "fitting", done, total: 40, at });

it("says nothing before two steps were seen", () => {
  expect(remaining([], 0)).toBeNull();
  expect(remaining([epoch(3, 1000)], 1000)).toBeNull();
});

it("goes on at the pace so far, and counts down between steps", () => {
  const seen = [epoch(10, 1000), epoch(20, 6000)];
  expect(remaining(seen, 6000)).toBe(10_000);
  expect(remaining(seen, 8000)).toBe(8000);
  expect(remaining(seen, 99_000)).toBe(0);
});

it("keeps no two observations of the same step", () => {
  const seen = observed(observed([], epoch(1, 0)), epoch(1, 500));
  expect(seen).toEqual([epoch(1, 0)]);
});

it("begins anew with another phase, and when a training is taken up from before", () => {
  const seen = [epoch(10, 0), epoch(12, 100)];
  expect(observed(seen, { phase: "embedding", done: 0, total: 9, at: 200 })).toHaveLength(1);
  expect(observed(seen, epoch(8, 200))).toEqual([epoch(8, 200)]);
});

it("follows a change of pace", () => {
  let seen: readonly Seen[] = [];
  for (let step = 0; step <= 60; step += 1) seen = observed(seen, { ...epoch(step, step * 10), total: 100 });
  expect(seen.length).toBe(30);
  expect(remaining(seen, 600)).toBe(400);
});
