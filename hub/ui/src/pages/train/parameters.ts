// What a training can be told, with the hub's defaults and ranges: pure.

import type { Schemas } from "../../api/client";

/** What a training is started with; what is left out has the hub's default. */
export type TrainParams = Partial<Schemas["TrainParams"]>;

/** A number among the parameters. */
export interface NumberParameter {
  name:
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
  /** With a hidden layer; and without, where that is another. */
  default: number;
  linear?: number;
  min: number;
  max: number;
  step: number;
}

/** Those that are of use to most, then those for experts. */
export const numbers: { usual: readonly NumberParameter[]; more: readonly NumberParameter[] } = {
  usual: [
    { name: "epochs", default: 40, linear: 100, min: 1, max: 10_000, step: 10 },
    { name: "patience", default: 15, min: 1, max: 10_000, step: 1 },
  ],
  more: [
    { name: "hidden", default: 128, min: 0, max: 4096, step: 32 },
    { name: "learning_rate", default: 0.001, min: 0.000001, max: 1, step: 0.0005 },
    { name: "batch_size", default: 64, min: 1, max: 65_536, step: 16 },
    { name: "weight_decay", default: 0.01, linear: 3, min: 0, max: 10, step: 0.01 },
    { name: "input_dropout", default: 0.5, linear: 0, min: 0, max: 0.9, step: 0.05 },
    { name: "dropout", default: 0.3, linear: 0, min: 0, max: 0.9, step: 0.05 },
    { name: "label_smoothing", default: 0.05, linear: 0, min: 0, max: 0.5, step: 0.01 },
    { name: "mixup", default: 0, min: 0, max: 1, step: 0.1 },
    { name: "seed", default: 0, min: 0, max: Number.MAX_SAFE_INTEGER, step: 1 },
  ],
};

/** What was typed; what is left empty has the hub's default. */
export interface Typed {
  numbers: Partial<Record<NumberParameter["name"], number>>;
  /** In percent. */
  contamination?: number;
  classWeights: boolean;
  /** Classes that are left out. */
  without: readonly string[];
}

/** Nothing typed: everything has its default. */
export const nothingTyped: Typed = { numbers: {}, classWeights: true, without: [] };

/** The default of a parameter, beside what was typed. */
export function defaultOf(parameter: NumberParameter, typed: Typed): number {
  return typed.numbers.hidden === 0 && parameter.linear !== undefined ? parameter.linear : parameter.default;
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
