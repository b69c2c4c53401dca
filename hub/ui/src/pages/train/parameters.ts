// What a training can be told: pure. Defaults and ranges are the hub's, which tells them.

import type { Schemas } from "../../api/client";

/** What a training is started with; what is left out has the hub's default. */
export type TrainParams = Partial<Schemas["TrainParams"]>;

/** What the hub says of a number: its defaults and its range. */
export type Known = Schemas["Parameter"];

/** The numbers that the page asks for as they are. */
export type NumberName =
  | "epochs"
  | "patience"
  | "hidden"
  | "learning_rate"
  | "batch_size"
  | "weight_decay"
  | "input_dropout"
  | "dropout"
  | "label_smoothing"
  | "mixup"
  | "seed";

/** A field of the page. */
export interface NumberField {
  name: NumberName;
  /** What one press of an arrow changes. */
  step: number;
}

/** Those that are of use to most, then those for experts. */
export const fields: { usual: readonly NumberField[]; more: readonly NumberField[] } = {
  usual: [
    { name: "epochs", step: 10 },
    { name: "patience", step: 1 },
  ],
  more: [
    { name: "hidden", step: 32 },
    { name: "learning_rate", step: 0.0005 },
    { name: "batch_size", step: 16 },
    { name: "weight_decay", step: 0.01 },
    { name: "input_dropout", step: 0.05 },
    { name: "dropout", step: 0.05 },
    { name: "label_smoothing", step: 0.01 },
    { name: "mixup", step: 0.1 },
    { name: "seed", step: 1 },
  ],
};

/** What was typed; what is left empty has the hub's default. */
export interface Typed {
  numbers: Partial<Record<NumberName, number>>;
  /** In percent. */
  contamination?: number;
  classWeights: boolean;
  /** Classes that are left out. */
  without: readonly string[];
}

/** Nothing typed: everything has its default. */
export const nothingTyped: Typed = { numbers: {}, classWeights: true, without: [] };

/** The default of a parameter, beside what was typed; `null` if it is another of the hub's settings. */
export function defaultOf(known: Known, typed: Typed): number | null {
  return (typed.numbers.hidden === 0 ? known.default_without_hidden : known.default) ?? null;
}

/** What the hub says of a parameter; nothing while it has not answered. */
export function knownOf(parameters: readonly Known[], name: string): Known | undefined {
  return parameters.find((known) => known.name === name);
}

/** Whether a value is one that the hub takes. */
export function isWithin(known: Known, value: number): boolean {
  const { minimum, above_minimum, maximum, whole } = known;
  if (value < minimum || (above_minimum && value === minimum)) return false;
  if (whole && !Number.isSafeInteger(value)) return false;
  return maximum === null || maximum === undefined || value <= maximum;
}

/** The parameters that were typed and that the hub would refuse. */
export function outOfRange(parameters: readonly Known[], typed: Typed): string[] {
  const values = paramsOf(typed, []) as Record<string, unknown>;
  const refused = parameters.filter((known) => {
    const value = values[known.name];
    return typeof value === "number" && !isWithin(known, value);
  });
  return refused.map((known) => known.name);
}

/** What the hub is sent: only what differs from the defaults. */
export function paramsOf(typed: Typed, classes: readonly string[]): TrainParams {
  const params: TrainParams = { ...typed.numbers };
  if (typed.contamination !== undefined) params.accepted_contamination = typed.contamination / 100;
  if (!typed.classWeights) params.class_weights = false;
  const labels = classes.filter((label) => !typed.without.includes(label));
  if (labels.length < classes.length) params.labels = labels;
  return params;
}
