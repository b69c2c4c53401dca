// How far a rollout is, bin by bin: pure.

import type { Schemas } from "../../api/client";

/** How a bin stands with the model that is wanted. */
export type Standing = "inForce" | "fetching" | "refused" | "offline" | "waiting";

/** In the order of a bar: done first, then under way, then what needs a look. */
export const standings: readonly Standing[] = ["inForce", "fetching", "waiting", "offline", "refused"];

/** A bin in the rollout. */
export interface Member {
  bin: string;
  name: string;
  /** The model that it has. */
  model: string | null;
  standing: Standing;
  /** Why it refused the model. */
  error: string | null;
  lastSeen: number | null;
}

/** What the hub says of each bin, and whether it is connected: one that is not can do nothing yet. */
export function members(rollout: Schemas["RolloutState"], bins: readonly Schemas["BinView"][]): Member[] {
  const known = new Map(bins.map((bin) => [bin.id, bin]));
  return rollout.bins.map((stage) => {
    const bin = known.get(stage.bin);
    return {
      bin: stage.bin,
      name: bin?.name ?? "",
      model: stage.model ?? null,
      standing: standingOf(stage, bin?.online ?? true),
      error: stage.state === "failed" ? stage.error : null,
      lastSeen: bin?.last_seen_ms ?? null,
    };
  });
}

function standingOf(stage: Schemas["BinStage"], online: boolean): Standing {
  if (stage.state === "in_force") return "inForce";
  if (stage.state === "failed") return "refused";
  if (!online) return "offline";
  return stage.state === "fetching" ? "fetching" : "waiting";
}

/** How many stand how. */
export function counts(all: readonly Member[]): Record<Standing, number> {
  const found: Record<Standing, number> = { inForce: 0, fetching: 0, waiting: 0, offline: 0, refused: 0 };
  for (const member of all) found[member.standing] += 1;
  return found;
}

/** What needs a look comes first, what is done last. */
export function byUrgency(all: readonly Member[]): Member[] {
  const order: readonly Standing[] = ["refused", "fetching", "waiting", "offline", "inForce"];
  return all.toSorted((a, b) => order.indexOf(a.standing) - order.indexOf(b.standing) || a.bin.localeCompare(b.bin));
}
