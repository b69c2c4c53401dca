// What a comparison comes to: pure.

import type { Schemas } from "../../api/client";

/** Below this probability a difference does not count as chance. */
export const significance = 0.05;

/** `a` or `b` is better beyond chance, or both look alike, or chance alone explains the difference. */
export function verdictOf({ test }: Pick<Schemas["ComparisonReport"], "test">): "a" | "b" | "same" | "chance" {
  if (test.only_old === 0 && test.only_new === 0) return "same";
  if (test.p >= significance) return "chance";
  return test.only_old > test.only_new ? "a" : "b";
}

/** A probability in words: very small ones are bounded and not rounded to 0. */
export function probability(p: number, write: (value: number) => string): string {
  return p < 0.01 ? `< ${write(0.01)}` : write(p);
}
