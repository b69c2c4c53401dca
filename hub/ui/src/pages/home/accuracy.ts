// How often each model was right over time, in slices that hold enough items to say something: pure.

import type { Schemas } from "../../api/client";

type FieldPoint = Schemas["FieldPoint"];

/** Items that a slice should have, all models together. */
const ITEMS_PER_SLICE = 12;

const MOST_SLICES = 30;

/** A model's share of fewer items in a slice is chance, and is not drawn. */
const LEAST_ITEMS = 4;

export interface AccuracySeries {
  /** The middle of each slice, in milliseconds since 1970. */
  x: number[];
  /** Share of right answers by model, in the order of their first item; `null` where it saw nothing. */
  models: { model: string; shares: (number | null)[] }[];
}

export function accuracyOverTime(points: readonly FieldPoint[]): AccuracySeries {
  if (points.length === 0) return { x: [], models: [] };
  const items = points.reduce((sum, point) => sum + point.items, 0);
  const slices = Math.min(MOST_SLICES, Math.max(1, Math.floor(items / ITEMS_PER_SLICE)));
  const times = points.map((point) => point.at_ms);
  const from = Math.min(...times);
  const width = Math.max(1, (Math.max(...times) - from) / slices);
  const sliceOf = (at: number) => Math.min(slices - 1, Math.floor((at - from) / width));
  const names = [...new Set([...points].sort((a, b) => a.at_ms - b.at_ms).map((point) => point.model))];
  return {
    x: Array.from({ length: slices }, (_, slice) => from + (slice + 0.5) * width),
    models: names.map((model) => {
      const sums = Array.from({ length: slices }, () => ({ items: 0, right: 0 }));
      for (const point of points) {
        const sum = point.model === model ? sums[sliceOf(point.at_ms)] : undefined;
        if (!sum) continue;
        sum.items += point.items;
        sum.right += point.right;
      }
      return { model, shares: sums.map((sum) => (sum.items >= LEAST_ITEMS ? sum.right / sum.items : null)) };
    }),
  };
}
