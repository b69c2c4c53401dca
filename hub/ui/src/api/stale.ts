// Which queries an event makes stale, by the first part of their keys.

import type { LiveEvent } from "./live";

/** Keys of queries to read again after an event. Each page's queries begin with one of them. */
export function staleAfter(event: LiveEvent): readonly string[] {
  switch (event.type) {
    case "item":
      return ["status", "field"];
    case "sample":
      return ["status", "review-queue", "statistics"];
    case "bin":
      return ["status", "bins", "rollout"];
    case "reply":
      return [];
    case "labelled":
      return ["status", "review-queue", "statistics", "classes"];
    case "training":
      return event.state === "running" ? ["training-status"] : ["training-status", "trainings", "models", "status"];
    case "model":
      return ["status", "models", "rollout"];
    case "rollout":
      return ["rollouts", "rollout", "bins"];
  }
}
