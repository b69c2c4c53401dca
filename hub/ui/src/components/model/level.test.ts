// What the hub says about levels is understood, and something new is passed on as it is.

import { expect, it } from "vitest";
import { levelName, stepOf } from "./level";

it.each([
  ["1 more training", { kind: "trainings", count: 1 }],
  ["3 more trainings", { kind: "trainings", count: 3 }],
  ["180 more reviewed samples", { kind: "reviewed", count: 180 }],
  ["an accuracy that is surely 70 % or more; now it is surely 68 %", { kind: "accuracy", wanted: 0.7, now: 0.68 }],
  ["an accuracy that is measured to be surely 50 % or more", { kind: "accuracy", wanted: 0.5, now: null }],
  ["a cup of tea", null],
])("%s", (words, expected) => expect(stepOf(words)).toEqual(expected));

it("knows the names of levels", () => {
  expect(levelName("capable")).toBe("capable");
  expect(levelName("wizard")).toBeNull();
});
