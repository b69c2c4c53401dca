// Sends the files of the batch, a few at once, and goes on by itself when the hub answers again. It outlives the page.

import { useSyncExternalStore } from "react";
import { type Schemas, upload } from "../../api/client";
import { asApiError } from "../../api/problem";
import type { Batch, Outcome } from "./batch";
import * as batch from "./batch";

type Uploaded = Schemas["Uploaded"];

/** Sends one file with what it shows; an [ApiError] is thrown for anything but the hub's word on it. */
export type Send = (file: File, label: string, onProgress: (share: number) => void) => Promise<Outcome>;

/** How many files are sent at once: one is decoded there while another is on its way. */
const AT_ONCE = 2;

/** The first pause before another try, in milliseconds; it doubles up to the longest. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 8000;

export class Uploader {
  private now: Batch = batch.emptyBatch;
  private watchers = new Set<() => void>();
  private pause = FIRST_PAUSE_MS;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly send: Send) {}

  readonly subscribe = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };

  readonly snapshot = (): Batch => this.now;

  change(next: Batch): void {
    this.now = next;
    for (const watcher of this.watchers) watcher();
    this.pump();
  }

  /** Tries at once what waits for another try. */
  retryNow(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.pump();
  }

  private pump(): void {
    if (this.timer !== undefined) return;
    const busy = batch.tally(this.now).sending;
    if (busy >= AT_ONCE) return;
    const entry = batch.upNext(this.now);
    if (!entry || entry.label === null) return;
    const { key, file, label } = entry;
    void this.send(file, label, (share) => this.change(batch.progressed(this.now, key, share))).then(
      (outcome) => {
        this.pause = FIRST_PAUSE_MS;
        this.change(batch.ended(this.now, key, outcome));
      },
      (error: unknown) => this.fail(key, error),
    );
    this.change(batch.begun(this.now, key));
  }

  private fail(key: number, error: unknown): void {
    const problem = asApiError(error);
    if (problem.status === 401) {
      // The person has left: whoever comes next decides.
      this.change(batch.running(batch.stalled(this.now, key, problem), false));
      return;
    }
    if (!problem.isPassing) {
      this.change(batch.failed(this.now, key, problem));
      return;
    }
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.pump();
    }, this.pause);
    this.pause = Math.min(this.pause * 2, LONGEST_PAUSE_MS);
    this.change(batch.stalled(this.now, key, problem));
  }
}

/** Sends a file to the hub. */
export const sendToHub: Send = async (file, label, onProgress) => {
  const form = new FormData();
  form.append("label", label);
  form.append("file", file, file.name);
  try {
    const { files } = await upload<Uploaded>("/api/upload-training", form, { onProgress });
    return outcomeOf(files);
  } catch (error) {
    // The only file of a form was refused: an answer as good as any.
    const problem = asApiError(error);
    if (problem.kind !== "no-image-accepted") throw error;
    return outcomeOf((problem.extra.files ?? []) as Uploaded["files"], problem.message);
  }
};

function outcomeOf([report]: Uploaded["files"], words: string | null = null): Outcome {
  return { status: report?.outcome ?? "refused", words: report?.reason ?? words };
}

/** The batch of this visit. */
export const uploader = new Uploader(sendToHub);

export function useBatch(of: Uploader = uploader): Batch {
  return useSyncExternalStore(of.subscribe, of.snapshot);
}
