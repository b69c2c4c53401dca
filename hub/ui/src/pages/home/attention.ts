// Which bins need somebody, and why, the most urgent first: pure.

import type { Schemas } from "../../api/client";

export type BinView = Schemas["BinView"];

export type Trouble = "flap" | "camera" | "offline" | "full" | "slowed" | "update" | "backlog";

export interface Attention {
  bin: BinView;
  trouble: Trouble;
  /** The bin's own words, if it has some. */
  words: string | null;
  /** How full it is, 0 to 1, or how many messages wait. */
  figure: number | null;
}

/** A bin is to be emptied from this share on. */
export const FULL = 0.8;

/** So many messages wait on a bin only when it does not get rid of them. */
const BACKLOG = 100;

/** What a bin may tell of itself; one with an older program tells less. */
export interface Telemetry {
  fill?: number;
  outbox?: { entries?: number };
  actuator?: { fault?: string };
  throttling?: { now?: string[] };
}

const urgency: readonly Trouble[] = ["flap", "camera", "offline", "full", "slowed", "update", "backlog"];

export function attention(bins: readonly BinView[]): Attention[] {
  const found = bins.flatMap(troubles);
  return found.sort(
    (a, b) => urgency.indexOf(a.trouble) - urgency.indexOf(b.trouble) || a.bin.name.localeCompare(b.bin.name),
  );
}

function troubles(bin: BinView): Attention[] {
  const because = (trouble: Trouble, words: string | null = null, figure: number | null = null): Attention => ({
    bin,
    trouble,
    words,
    figure,
  });
  const told = (bin.telemetry ?? {}) as Telemetry;
  const found: Attention[] = [];
  // A bin that was never heard of was enrolled a moment ago; it is not missed.
  if (!bin.online && bin.last_seen_ms != null) found.push(because("offline"));
  if (told.fill !== undefined && told.fill >= FULL) found.push(because("full", null, told.fill));
  // What follows was true when the bin was last there.
  if (!bin.online) return found;
  if (told.actuator?.fault) found.push(because("flap", told.actuator.fault));
  if (bin.camera?.startsWith("failed")) found.push(because("camera", bin.camera));
  if (told.throttling?.now?.length) found.push(because("slowed", told.throttling.now.join(", ").replaceAll("_", " ")));
  if (bin.update?.startsWith("refused")) found.push(because("update", bin.update));
  const waiting = told.outbox?.entries ?? 0;
  if (waiting >= BACKLOG) found.push(because("backlog", null, waiting));
  return found;
}
