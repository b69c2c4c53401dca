// The splits of the dataset, and the colours that stand for them.

export const splits = ["train", "validation", "test"] as const;

/** One of [splits]. */
export type Split = (typeof splits)[number];

export const splitColours: Record<Split, string> = { train: "leaf.6", validation: "yellow.6", test: "violet.5" };
