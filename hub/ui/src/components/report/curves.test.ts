// The plots have every measured point, and the ideal line from end to end.

import { expect, it } from "vitest";
import { reliability, riskByCoverage } from "./curves";

it("puts measured accuracy beside the ideal line", () => {
  const bin = { from: 0.8, to: 0.9, images: 10, confidence: 0.85, accuracy: 0.7, interval: [0.4, 0.9] };
  expect(reliability([bin])).toEqual({
    confidence: [0, 85, 100],
    ideal: [0, 0.85, 1],
    accuracy: [null, 0.7, null],
    lower: [null, 0.4, null],
    upper: [null, 0.9, null],
  });
  expect(reliability([]).confidence).toEqual([0, 100]);
});

it("marks where the thresholds are", () => {
  const points = [
    { coverage: 0.5, risk: 0 },
    { coverage: 1, risk: 0.1 },
  ];
  expect(riskByCoverage({ area: 0, points, at_thresholds: { coverage: 0.75, risk: 0.02 } })).toEqual({
    coverage: [50, 75, 100],
    risk: [0, 0.05, 0.1],
    atThresholds: [null, 0.02, null],
  });
  expect(riskByCoverage({ area: 0, points, at_thresholds: null }).atThresholds).toEqual([null, null]);
});
