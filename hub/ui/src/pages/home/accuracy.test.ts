// Slices hold enough items to say something, and models stay apart.

import { expect, it } from "vitest";
import { accuracyOverTime } from "./accuracy";

it("has nothing to draw without items", () => {
  expect(accuracyOverTime([])).toEqual({ x: [], models: [] });
});

it("draws few items as one slice", () => {
  const points = [
    { at_ms: 0, model: "m1", items: 3, right: 1 },
    { at_ms: 100, model: "m1", items: 3, right: 2 },
  ];
  expect(accuracyOverTime(points)).toEqual({ x: [50], models: [{ model: "m1", shares: [0.5] }] });
});

it("keeps models apart, with gaps where one saw nothing", () => {
  const points = [
    { at_ms: 100, model: "m2", items: 12, right: 12 },
    { at_ms: 0, model: "m1", items: 12, right: 6 },
  ];
  expect(accuracyOverTime(points)).toEqual({
    x: [25, 75],
    models: [
      { model: "m1", shares: [0.5, null] },
      { model: "m2", shares: [null, 1] },
    ],
  });
});

it("does not draw what is chance", () => {
  const points = [{ at_ms: 0, model: "m1", items: 3, right: 0 }];
  expect(accuracyOverTime(points).models).toEqual([{ model: "m1", shares: [null] }]);
});

it("never draws more slices than people can tell apart", () => {
  const points = Array.from({ length: 1000 }, (_, at_ms) => ({ at_ms, model: "m1", items: 10, right: 5 }));
  const { x, models } = accuracyOverTime(points);
  expect(x).toHaveLength(30);
  expect(models[0]?.shares.every((share) => share === 0.5)).toBe(true);
});
