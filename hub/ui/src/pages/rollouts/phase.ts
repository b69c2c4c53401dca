// What a rollout is doing, its colour, and what may be done with it: pure.

import type { Schemas } from "../../api/client";

/** What a rollout is doing. */
export type Phase = Schemas["RolloutPhase"]["phase"];

/** What a person may do with it. */
export type Action = "approve" | "pause" | "resume" | "retry" | "cancel";

const actions: Record<Phase, readonly Action[]> = {
  rolling: ["pause", "cancel"],
  waiting: ["approve", "pause", "cancel"],
  held: ["approve", "pause", "cancel"],
  paused: ["resume", "cancel"],
  stopped: ["retry"],
  cancelled: ["retry"],
  completed: [],
};

/** What may be done with a rollout in this phase, what is likeliest first. */
export function actionsOf(phase: Phase): readonly Action[] {
  return actions[phase] ?? [];
}

/** The colour of a phase, by Mantine's names. */
export const colours: Record<Phase, string> = {
  rolling: "blue",
  waiting: "yellow",
  held: "orange",
  paused: "gray",
  stopped: "red",
  cancelled: "gray",
  completed: "leaf",
};

/** The names of phases in the catalogues. */
export const phaseNames = {
  rolling: "phaseRolling",
  waiting: "phaseWaiting",
  held: "phaseHeld",
  paused: "phasePaused",
  stopped: "phaseStopped",
  cancelled: "phaseCancelled",
  completed: "phaseCompleted",
} as const satisfies Record<Phase, string>;
