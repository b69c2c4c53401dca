// The plots of a report as numbers for a chart: pure.

import type { Schemas } from "../../api/client";

/** Accuracy by confidence (percent, ascending), with its interval, and the diagonal of perfect calibration. */
export function reliability(bins: Schemas["ReliabilityBin"][]) {
  const measured = new Map(bins.map((bin) => [100 * bin.confidence, bin]));
  const confidence = [...new Set([0, ...measured.keys(), 100])].sort((a, b) => a - b);
  const of = (value: (bin: Schemas["ReliabilityBin"]) => number | undefined) =>
    confidence.map((at) => {
      const bin = measured.get(at);
      return bin ? (value(bin) ?? null) : null;
    });
  return {
    confidence,
    ideal: confidence.map((percent) => percent / 100),
    accuracy: of((bin) => bin.accuracy),
    lower: of((bin) => bin.interval[0]),
    upper: of((bin) => bin.interval[1]),
  };
}

/** Risk by coverage (percent, ascending), and where the thresholds of the classes are. */
export function riskByCoverage({ points, at_thresholds: at }: Schemas["RiskCoverage"]) {
  const measured = points.map((point) => ({ coverage: 100 * point.coverage, risk: point.risk }));
  const here = at ? 100 * at.coverage : null;
  const all = new Set([...measured.map((point) => point.coverage), ...(here === null ? [] : [here])]);
  const coverage = [...all].sort((a, b) => a - b);
  return {
    coverage,
    risk: coverage.map((percent) => between(measured, percent)),
    atThresholds: coverage.map((percent) => (at && percent === here ? at.risk : null)),
  };
}

/** The risk at a coverage, on the straight line between the points beside it; `null` outside of all. */
function between(points: { coverage: number; risk: number }[], percent: number): number | null {
  const after = points.find((point) => point.coverage >= percent);
  const before = points.findLast((point) => point.coverage <= percent);
  if (!after || !before) return null;
  const way = after.coverage - before.coverage;
  return way === 0 ? after.risk : before.risk + ((after.risk - before.risk) * (percent - before.coverage)) / way;
}
