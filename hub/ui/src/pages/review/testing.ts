// Items as the hub gives them out, for tests.

import type { ReviewItem } from "./desk";

export function item(
  id: string,
  more: Partial<ReviewItem> = {},
  sample: Partial<ReviewItem["sample"]> = {},
): ReviewItem {
  return {
    sample: {
      id,
      source: "bin",
      bin: "bin-1",
      at_ms: 1_795_420_000_000,
      received_ms: 1_795_420_000_000,
      width: 320,
      height: 240,
      sure: false,
      guess: "glass",
      confidence: 0.5,
      ...sample,
    },
    state: "open",
    value: 0.5,
    random: false,
    marked_wrong: false,
    ...more,
  };
}
