// How long a training still takes, by how fast it has been so far: pure.

/** How far a training was, and when. */
export interface Seen {
  /** What is counted: images in one phase, epochs in another. */
  phase: string;
  /** How many of `total` were done. */
  done: number;
  total: number;
  /** In milliseconds since 1970. */
  at: number;
}

/** As many observations are kept: enough to even out short waits, few enough to follow a change of pace. */
const kept = 30;

/** Adds an observation; another phase, another total, or less than before begins anew. */
export function observed(seen: readonly Seen[], now: Seen): readonly Seen[] {
  const last = seen.at(-1);
  if (!last || last.phase !== now.phase || last.total !== now.total || now.done < last.done) return [now];
  return now.done === last.done ? seen : [...seen, now].slice(-kept);
}

/**
 * Milliseconds to the end of this phase at the latest, or `null` while nothing can be said. A fit that stops
 * early takes less.
 */
export function remaining(seen: readonly Seen[], now: number): number | null {
  const first = seen[0];
  const last = seen.at(-1);
  if (!first || !last || last.done <= first.done || last.at <= first.at) return null;
  const perStep = (last.at - first.at) / (last.done - first.done);
  return Math.max(0, (last.total - last.done) * perStep - Math.max(0, now - last.at));
}
