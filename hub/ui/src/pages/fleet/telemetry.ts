// What a bin says of its health, and what of it a person should look at.

import type { Schemas } from "../../api/client";

/** A bin in the list. */
export type BinView = Schemas["BinView"];

/** A bin's last telemetry; counters start with its program. What it cannot read is left out. */
export interface Telemetry {
  at?: string;
  clock_synced?: boolean;
  uptime_s?: number;
  frames?: number;
  frames_corrupt?: number;
  frames_skipped?: number;
  items?: number;
  refused?: number;
  outbox?: {
    entries: number;
    bytes: number;
    dropped_samples: number;
    dropped_events: number;
    damaged: number;
    set_aside?: number;
    made_smaller?: number;
    largest_message?: number;
  };
  temperature_c?: number;
  throttling?: { now: string[]; since_boot: string[] };
  disk?: { free_bytes: number; total_bytes: number };
  memory_bytes?: number;
  actuator?: { opened: number; failed: number; fault?: string };
  fill?: number;
  chamber?: { known: boolean; without_gap: number; unclear: number; fault?: string };
}

/** Reads what the hub passes on as it came. */
export function telemetryOf(bin: Pick<BinView, "telemetry">): Telemetry {
  return (bin.telemetry ?? {}) as Telemetry;
}

/** What can be wrong with a bin, the most pressing first. */
export const concerns = [
  "twin",
  "offline",
  "camera",
  "update",
  "actuator",
  "chamber",
  "full",
  "hot",
  "throttled",
  "disk",
  "conflict",
  "dropped",
  "aside",
  "queue",
] as const;

/** One of [concerns]. */
export type Concern = (typeof concerns)[number];

/** From here on a bin is nearly full, 0 to 1. */
export const NEARLY_FULL = 0.85;

/** A Raspberry Pi slows down at 80 °C. */
export const HOT_C = 75;

/** Less room than this is little, as a share of the disk. */
const LITTLE_ROOM = 0.05;

/** Entries that wait while the bin is connected: more than a minute's worth of a busy bin. */
const LONG_QUEUE = 100;

/** One take-over can be what a broker kept for long. */
const TWIN = 2;

const DAY_MS = 86_400_000;

/** Whether something happened in the last day that the bin was heard. */
function isRecent(bin: BinView, when_ms: number | null | undefined): boolean {
  return typeof when_ms === "number" && when_ms > (bin.last_seen_ms ?? 0) - DAY_MS;
}

/** Whether two programs speak under the id of this bin. */
export function hasTwin(bin: BinView): boolean {
  return bin.takeovers >= TWIN && isRecent(bin, bin.takeover_ms);
}

/** Whether numbers of this bin came again with other contents. */
export function hasConflicts(bin: BinView): boolean {
  return bin.conflicts > 0 && isRecent(bin, bin.conflict_ms);
}

/** What a person should look at. */
export function concernsOf(bin: BinView): Concern[] {
  const { temperature_c, throttling, disk, outbox, actuator, chamber, fill } = telemetryOf(bin);
  const is: Record<Concern, boolean> = {
    twin: hasTwin(bin),
    offline: !bin.online,
    camera: bin.camera?.startsWith("failed") ?? false,
    update: bin.update?.startsWith("refused") ?? false,
    actuator: Boolean(actuator?.fault),
    chamber: Boolean(chamber?.fault),
    full: (fill ?? 0) >= NEARLY_FULL,
    hot: (temperature_c ?? 0) >= HOT_C,
    throttled: (throttling?.now.length ?? 0) > 0,
    disk: disk !== undefined && disk.free_bytes < LITTLE_ROOM * disk.total_bytes,
    conflict: hasConflicts(bin),
    dropped: outbox !== undefined && outbox.dropped_events + outbox.dropped_samples > 0,
    aside: (outbox?.set_aside ?? 0) > 0 || outbox?.largest_message !== undefined,
    queue: bin.online && (outbox?.entries ?? 0) > LONG_QUEUE,
  };
  return concerns.filter((concern) => is[concern]);
}
