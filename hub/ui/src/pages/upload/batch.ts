// Files on their way to the hub, and what became of each: pure.

import type { ApiError } from "../../api/problem";
import type { Finding } from "../../components/imageFile";

/**
 * `held`: something speaks against it before it is sent, or it has no label. `ready` waits for its turn.
 * `failed`: the hub could not take it now, and may later. `refused`: it does not take it as it is.
 */
export type Status = "held" | "ready" | "sending" | "stored" | "duplicate" | "refused" | "failed";

export interface Entry {
  key: number;
  file: File;
  /** Where it lay, as people see it. */
  path: string;
  /** What it shows; `null` until somebody says so. */
  label: string | null;
  /** What speaks against it before it is sent. */
  finding: Finding | null;
  status: Status;
  /** The share that was sent, 0 to 1. */
  progress: number;
  /** The hub's words. */
  words: string | null;
}

export interface Batch {
  entries: readonly Entry[];
  next: number;
  /** Whether the person wants files to be sent. */
  running: boolean;
  /** Why sending has to wait; it goes on by itself. */
  stalled: ApiError | null;
}

export const emptyBatch: Batch = { entries: [], next: 1, running: false, stalled: null };

/** What a hub says of one file. */
export interface Outcome {
  status: "stored" | "duplicate" | "refused";
  words: string | null;
}

/** Settled files need nothing more. */
export function isSettled({ status }: Entry): boolean {
  return status === "stored" || status === "duplicate";
}

/** The label that a folder means, as the hub reads it: `Food Organics` is `food_organics`. */
export function readLabel(words: string): string {
  return words
    .split(/[\s&,.:;()'+]+/u)
    .filter((part) => part !== "")
    .map((part) => part.toLowerCase())
    .join("_");
}

/** A class folder, such as `glass` in `photos/glass/1.jpg`, says what its files show. */
export function labelOfPath(path: string, classes: readonly string[]): string | null {
  const folders = path.split("/").slice(0, -1).reverse();
  for (const folder of folders) {
    const read = readLabel(folder);
    const known = classes.find((label) => label === read);
    if (known) return known;
  }
  return null;
}

/** Puts an entry where it belongs by its label and finding, unless the hub has it. */
function placed(entry: Entry): Entry {
  if (entry.status !== "held" && entry.status !== "ready") return entry;
  return { ...entry, status: entry.label !== null && entry.finding === null ? "ready" : "held" };
}

export type NewFile = Pick<Entry, "file" | "path" | "label" | "finding">;

/** Files are added; the very file that is there already, by path, size and time, is not added again. */
export function added(batch: Batch, files: readonly NewFile[]): Batch {
  const identity = ({ file, path }: Pick<Entry, "file" | "path">) => `${path}\n${file.size}\n${file.lastModified}`;
  const there = new Set(batch.entries.map(identity));
  const fresh = files.filter((file) => !there.has(identity(file)) && there.add(identity(file)));
  const entries = fresh.map(
    (file, place): Entry => placed({ ...file, key: batch.next + place, status: "held", progress: 0, words: null }),
  );
  return { ...batch, entries: [...batch.entries, ...entries], next: batch.next + entries.length };
}

function changed(batch: Batch, key: number, change: (entry: Entry) => Entry): Batch {
  return { ...batch, entries: batch.entries.map((entry) => (entry.key === key ? change(entry) : entry)) };
}

/** What one file shows. */
export function labelled(batch: Batch, key: number, label: string | null): Batch {
  return changed(batch, key, (entry) => placed({ ...entry, label }));
}

/** What all files show that nobody has said of what they show; with `all`, the others, too, that are not sent. */
export function labelledAll(batch: Batch, label: string, all: boolean): Batch {
  const wants = (entry: Entry) =>
    (entry.status === "held" || entry.status === "ready") && (all || entry.label === null);
  return { ...batch, entries: batch.entries.map((entry) => (wants(entry) ? placed({ ...entry, label }) : entry)) };
}

/** A file was replaced by one that the hub takes. */
export function mended(batch: Batch, key: number, file: File): Batch {
  return changed(batch, key, (entry) => placed({ ...entry, file, finding: null, status: "held", words: null }));
}

export function removed(batch: Batch, keys: ReadonlySet<number>): Batch {
  return { ...batch, entries: batch.entries.filter((entry) => entry.status === "sending" || !keys.has(entry.key)) };
}

/** Whether to send. */
export function running(batch: Batch, wanted: boolean): Batch {
  return { ...batch, running: wanted };
}

/** The next to be sent. */
export function upNext(batch: Batch): Entry | undefined {
  return batch.running ? batch.entries.find((entry) => entry.status === "ready") : undefined;
}

export function begun(batch: Batch, key: number): Batch {
  return changed(batch, key, (entry) => ({ ...entry, status: "sending", progress: 0, words: null }));
}

export function progressed(batch: Batch, key: number, share: number): Batch {
  return changed(batch, key, (entry) => ({ ...entry, progress: share }));
}

export function ended(batch: Batch, key: number, { status, words }: Outcome): Batch {
  const now = changed(batch, key, (entry) => ({ ...entry, status, words, progress: 1 }));
  return { ...now, stalled: null, running: now.running && now.entries.some(isUnderWay) };
}

/** No answer came, or the hub is busy: the file waits for another try. */
export function stalled(batch: Batch, key: number, problem: ApiError): Batch {
  return { ...changed(batch, key, (entry) => ({ ...entry, status: "ready", progress: 0 })), stalled: problem };
}

/** The hub could not take it. */
export function failed(batch: Batch, key: number, problem: ApiError): Batch {
  const now = changed(batch, key, (entry) => ({ ...entry, status: "failed", words: problem.message, progress: 0 }));
  return { ...now, stalled: null, running: now.running && now.entries.some(isUnderWay) };
}

/** What failed or was refused is sent once more. */
export function again(batch: Batch): Batch {
  const entries = batch.entries.map((entry) =>
    entry.status === "failed" || entry.status === "refused"
      ? placed({ ...entry, status: "held", progress: 0, words: null })
      : entry,
  );
  return { ...batch, entries, running: true };
}

function isUnderWay({ status }: Entry): boolean {
  return status === "ready" || status === "sending";
}

/** How many are in each state. */
export function tally(batch: Batch): Record<Status, number> {
  const counts = { held: 0, ready: 0, sending: 0, stored: 0, duplicate: 0, refused: 0, failed: 0 };
  for (const { status } of batch.entries) counts[status] += 1;
  return counts;
}

const urgency: Record<Status, number> = {
  refused: 0,
  failed: 0,
  sending: 1,
  held: 2,
  ready: 3,
  stored: 4,
  duplicate: 4,
};

/** What needs a person first. */
export function byUrgency(batch: Batch): Entry[] {
  return [...batch.entries].sort((a, b) => urgency[a.status] - urgency[b.status] || a.key - b.key);
}
