// The picture of a rollout: every bin is in it, in its place, and none lies on another.

import { expect, it } from "vitest";
import { binsPerDot, type Dot, drawLane, type Place, placeOf, places } from "./lanes";

const bins = (place: Place, count: number): Dot[] =>
  Array.from({ length: count }, (_, i) => ({ bin: `${place}-${i}`, place }));

it("draws each bin once, in its column, and none upon another", () => {
  const lane = [...bins("waiting", 23), ...bins("trial", 4), ...bins("back", 1)];
  for (const width of [320, 720, 1100]) {
    const { dots, height } = drawLane(lane, width, 1);
    expect(dots.map((dot) => dot.bin).toSorted()).toEqual(lane.map((dot) => dot.bin).toSorted());
    expect(new Set(dots.map((dot) => `${dot.x} ${dot.y}`)).size).toBe(28);
    for (const dot of dots) {
      expect(Math.floor((dot.x * places.length) / width)).toBe(places.indexOf(dot.place));
      expect(dot.y).toBeLessThan(height);
    }
  }
});

it("has a dot stand for several bins of a large fleet, and loses none", () => {
  const lanes = [bins("waiting", 9_001), [...bins("committed", 500), ...bins("back", 1)]];
  const perDot = binsPerDot(lanes);
  expect(perDot).toBe(151);
  for (const lane of lanes) {
    const { dots } = drawLane(lane, 720, perDot);
    expect(dots.reduce((sum, dot) => sum + dot.bins, 0)).toBe(lane.length);
  }
  expect(binsPerDot([[], bins("trial", 60)])).toBe(1);
});

it("draws an empty group, and a state that it does not know", () => {
  expect(drawLane([], 720, 1)).toEqual({ dots: [], height: 20 });
  expect(placeOf("took_back")).toBe("back");
  expect(placeOf("of_a_newer_hub")).toBe("waiting");
});
