// Only what was typed is sent, so that the hub's own defaults hold.

import { expect, it } from "vitest";
import { defaultOf, isWithin, type Known, nothingTyped, outOfRange, paramsOf } from "./parameters";

const epochs: Known = {
  name: "epochs",
  default: 40,
  default_without_hidden: 100,
  minimum: 1,
  above_minimum: false,
  maximum: 10_000,
  whole: true,
};
const share: Known = {
  name: "accepted_contamination",
  default: null,
  default_without_hidden: null,
  minimum: 0,
  above_minimum: true,
  maximum: 1,
  whole: false,
};

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
  expect(defaultOf(epochs, nothingTyped)).toBe(40);
  expect(defaultOf(epochs, { ...nothingTyped, numbers: { hidden: 0 } })).toBe(100);
});

it("leaves a default to the hub's settings where it is one of those", () => {
  expect(defaultOf(share, nothingTyped)).toBeNull();
});

it.each([
  [epochs, 1, true],
  [epochs, 0, false],
  [epochs, 10_000, true],
  [epochs, 10_001, false],
  [epochs, 1.5, false],
  [share, 0, false],
  [share, 0.001, true],
  [share, 1, true],
  [share, 1.01, false],
  [{ ...epochs, maximum: null }, Number.MAX_SAFE_INTEGER, true],
  [{ ...epochs, maximum: null }, Number.MAX_SAFE_INTEGER + 1, false],
])("%o: %d", (known, value, within) => expect(isWithin(known, value)).toBe(within));

it("names what was typed out of its range, a percentage too", () => {
  const typed = { ...nothingTyped, numbers: { epochs: 0 }, contamination: 101 };
  expect(outOfRange([epochs, share], typed)).toEqual(["epochs", "accepted_contamination"]);
  expect(outOfRange([epochs, share], { ...typed, numbers: { epochs: 2 }, contamination: 5 })).toEqual([]);
  expect(outOfRange([], typed)).toEqual([]);
});
