// The learning curve as a chart and as a verdict: pure.

import type { Schemas } from "../../../api/client";

type LearningCurve = Schemas["LearningCurve"];

/** A gain that is worth the labelling: one point of accuracy, as the hub judges it. */
const worthwhileGain = 0.01;

/** What the curve comes to. */
export type Verdict = "worthwhile" | "enough" | "unclear" | "tooFew";

/** Whether more labels would help, by the interval of what twice as many would bring. */
export function verdict({ outlook }: LearningCurve): Verdict {
  if (!outlook) return "tooFew";
  const [low = 0, high = 0] = outlook.gain_interval;
  if (low >= worthwhileGain) return "worthwhile";
  return high < worthwhileGain ? "enough" : "unclear";
}

/** So many points draw the law smoothly. */
const steps = 48;

/** The law that was fitted, error(n) = a + b · n^−c, as an accuracy of 0 to 1. */
export function lawAt({ a, b, c }: Schemas["PowerLaw"], images: number): number {
  return Math.min(1, Math.max(0, 1 - a - b * Math.max(1, images) ** -c));
}

/** Measured points, and the law up to twice as many images, over one axis. */
export function drawn(curve: LearningCurve): {
  images: number[];
  measured: (number | null)[];
  expected: (number | null)[] | null;
} {
  const measuredAt = new Map(curve.points.map((point) => [point.images, point.accuracy]));
  const from = curve.points[0]?.images ?? 1;
  const to = curve.outlook?.images ?? from;
  const { law } = curve;
  const between = law ? Array.from({ length: steps + 1 }, (_, step) => from + ((to - from) * step) / steps) : [];
  const images = [...new Set([...measuredAt.keys(), ...between])].sort((x, y) => x - y);
  return {
    images,
    measured: images.map((count) => measuredAt.get(count) ?? null),
    expected: law ? images.map((count) => lawAt(law, count)) : null,
  };
}
