// What a bin saw lately, in figures.

import type { ItemSeen } from "../../api/queries";

export interface ClassShare {
  label: string;
  items: number;
}

/** Items by class, the most frequent first. */
export function byClass(items: readonly ItemSeen[]): ClassShare[] {
  const counts = new Map<string, number>();
  for (const { label } of items) counts.set(label, (counts.get(label) ?? 0) + 1);
  return [...counts]
    .map(([label, count]) => ({ label, items: count }))
    .sort((a, b) => b.items - a.items || a.label.localeCompare(b.label));
}

/** How often the bin was sure, and right where the truth is known; null without items. */
export function quality(items: readonly ItemSeen[]): { sure: number | null; right: number | null; judged: number } {
  const share = (part: number, all: number) => (all > 0 ? part / all : null);
  const judged = items.filter(({ truth }) => truth !== null && truth !== undefined);
  return {
    sure: share(items.filter(({ sure }) => sure).length, items.length),
    right: share(judged.filter(({ label, truth }) => label === truth).length, judged.length),
    judged: judged.length,
  };
}

/** The median time of a decision, in milliseconds; null without items. */
export function medianLatency(items: readonly ItemSeen[]): number | null {
  if (items.length === 0) return null;
  const sorted = items.map(({ latency_ms }) => latency_ms).sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low, high] = [sorted[middle - 1] ?? 0, sorted[middle] ?? 0];
  return sorted.length % 2 === 0 ? (low + high) / 2 : high;
}
