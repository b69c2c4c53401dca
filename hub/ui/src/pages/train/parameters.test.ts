// Only what was typed is sent, so that the hub's own defaults hold.

import { expect, it } from "vitest";
import { defaultOf, nothingTyped, numbers, paramsOf } from "./parameters";

it("sends nothing when nothing was typed", () => {
  expect(paramsOf(nothingTyped, ["glass", "metal"])).toEqual({});
});

it("sends what was typed, shares as shares", () => {
  const typed = { numbers: { epochs: 80, mixup: 0 }, contamination: 10, classWeights: false, without: ["metal"] };
  expect(paramsOf(typed, ["glass", "metal", "paper"])).toEqual({
    epochs: 80,
    mixup: 0,
    accepted_contamination: 0.1,
    class_weights: false,
    labels: ["glass", "paper"],
  });
});

it("has other defaults without a hidden layer", () => {
  const epochs = numbers.usual[0];
  if (!epochs) throw new Error("no epochs");
  expect(defaultOf(epochs, nothingTyped)).toBe(40);
  expect(defaultOf(epochs, { ...nothingTyped, numbers: { hidden: 0 } })).toBe(100);
});
