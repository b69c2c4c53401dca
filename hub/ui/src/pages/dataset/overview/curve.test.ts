// The verdict follows the interval of the gain, and the chart has every measured point.

import { describe, expect, it } from "vitest";
import type { Schemas } from "../../../api/client";
import { drawn, lawAt, verdict } from "./curve";
import { withoutGaps } from "./Weeks";

const curve = (gain: [number, number] | null): Schemas["LearningCurve"] => ({
  points: [
    { share: 0.5, images: 40, accuracies: [0.7], accuracy: 0.7 },
    { share: 1, images: 80, accuracies: [0.8], accuracy: 0.8 },
  ],
  law: gain && { a: 0.05, b: 1, c: 0.5 },
  outlook: gain && { images: 160, accuracy: 0.86, interval: [0.8, 0.9], gain: 0.06, gain_interval: gain },
  validation_images: 10,
  training_images: 80,
  sentence: "",
});

describe("verdict", () => {
  it.each([
    [[0.02, 0.08], "worthwhile"],
    [[0.01, 0.08], "worthwhile"],
    [[-0.01, 0.005], "enough"],
    [[-0.01, 0.03], "unclear"],
  ] as const)("of a gain within %j is %s", (gain, expected) => expect(verdict(curve([...gain]))).toBe(expected));

  it("needs an outlook", () => expect(verdict(curve(null))).toBe("tooFew"));
});

it("draws the measured points, and the law up to twice as many images", () => {
  const { images, measured, expected } = drawn(curve([0.02, 0.08]));
  expect(measured.filter((value) => value !== null)).toEqual([0.7, 0.8]);
  expect(images.at(-1)).toBe(160);
  expect(images).toEqual(images.toSorted((a, b) => a - b));
  expect(expected?.at(-1)).toBeCloseTo(0.95 - 160 ** -0.5);
  expect(drawn(curve(null))).toEqual({ images: [40, 80], measured: [0.7, 0.8], expected: null });
});

it("keeps an accuracy between 0 and 1", () => {
  expect(lawAt({ a: 0, b: 5, c: 1 }, 0)).toBe(0);
  expect(lawAt({ a: -0.5, b: 0, c: 1 }, 10)).toBe(1);
});

it("shows weeks without samples as such, and the newest only", () => {
  const week = (monday: string, samples: number) => ({ monday, samples, labelled: 0 });
  const weeks = [week("2026-11-02", 4), week("2026-11-23", 8)];
  expect(withoutGaps(weeks).map((each) => each.samples)).toEqual([4, 0, 0, 8]);
  expect(withoutGaps(weeks, 2).map((each) => each.samples)).toEqual([0, 8]);
  expect(withoutGaps([])).toEqual([]);
});
