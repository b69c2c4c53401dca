// Carries out what the desk wants: gets batches, sends answers in order, tries again, and keeps what is not sent yet
// in the browser, so that neither a reload nor another page loses it.

import { type ApiError, asApiError } from "../../api/problem";
import type { Desk, ReviewItem, Said, Task } from "./desk";
import * as desk from "./desk";

/** How the store reaches the hub. */
export interface Hub {
  /** Takes up to `count` in hand, with those that are there already. */
  next(count: number): Promise<ReviewItem[]>;
  /** What is in hand. */
  held(): Promise<ReviewItem[]>;
  answer(sample: string, said: Said): Promise<unknown>;
  /** Takes back the last action; gives its sample. */
  undo(): Promise<string>;
}

/** Where unsent answers are kept: `localStorage`, or nothing where that is refused. */
export type Shelf = Pick<Storage, "getItem" | "setItem">;

/** A batch is asked for when fewer are left than this. */
const LOW = 12;

/** How many are in hand after that. */
const BATCH = 30;

/** The most that the hub gives out. */
const MOST = 100;

/** The first pause before another try, in milliseconds; it doubles up to [LONGEST_PAUSE_MS]. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 8000;

/** How long after news of a sample the hub is asked for it, in milliseconds. */
const NEWS_MS = 2000;

/** How a batch stands. */
export type Fetching = { state: "idle" | "asking" } | { state: "failed"; problem: ApiError };

export interface Snapshot {
  desk: Desk;
  fetching: Fetching;
  /** Whether the hub has nothing more at present. */
  exhausted: boolean;
}

export class DeskStore {
  private now: Snapshot = { desk: desk.emptyDesk, fetching: { state: "idle" }, exhausted: false };
  private watchers = new Set<() => void>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private asking: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly hub: Hub,
    private readonly shelf: Shelf | null,
    private readonly shelfKey: string,
  ) {
    const outbox = this.unsent();
    if (outbox.length > 0) {
      const answered = new Set(outbox.map((task) => task.item.sample.id));
      const next = Math.max(...outbox.map((task) => task.key)) + 1;
      this.now = { ...this.now, desk: { ...desk.emptyDesk, outbox, answered, next } };
      this.pump();
    }
  }

  readonly subscribe = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };

  readonly snapshot = (): Snapshot => this.now;

  say(samples: readonly string[], said: Said): void {
    this.change(desk.say(this.now.desk, samples, said));
    this.refillIfLow();
  }

  undo(): void {
    this.change(desk.takeBack(this.now.desk));
  }

  sendAgain(key: number): void {
    this.change(desk.sendAgain(this.now.desk, key));
  }

  lookAgain(key: number): void {
    this.change(desk.lookAgain(this.now.desk, key));
  }

  dismiss(key: number): void {
    this.change(desk.dismiss(this.now.desk, key));
  }

  gone(sample: string): void {
    this.change(desk.gone(this.now.desk, sample));
    this.refillIfLow();
  }

  /** Something new has come to the hub: it is asked once the scoring job has had a moment. */
  mayHaveMore(): void {
    if (!this.now.exhausted || this.asking !== undefined) return;
    this.asking = setTimeout(() => {
      this.asking = undefined;
      if (this.now.desk.queue.length < LOW) void this.refill();
    }, NEWS_MS);
  }

  /** Tries at once what waits for another try. */
  retryNow(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.now.desk.stalled?.status === 401) this.set({ desk: { ...this.now.desk, stalled: null } });
    this.pump();
    if (this.now.fetching.state === "failed") void this.refill();
  }

  /** Gets more if little is left. */
  refillIfLow(): void {
    if (this.now.desk.queue.length < LOW && !this.now.exhausted && this.now.fetching.state === "idle") {
      void this.refill();
    }
  }

  /** Gets a batch, and holds on to what is in hand. */
  async refill(batch = BATCH): Promise<void> {
    if (this.now.fetching.state === "asking") return;
    this.set({ fetching: { state: "asking" } });
    const unsent = desk.inHand(this.now.desk) - this.now.desk.queue.length;
    try {
      const items = await this.hub.next(Math.min(MOST, Math.max(batch, this.now.desk.queue.length) + unsent));
      const before = this.now.desk;
      const after = desk.given(before, items);
      this.set({ desk: after, fetching: { state: "idle" }, exhausted: after.queue.length <= before.queue.length });
    } catch (error) {
      this.set({ fetching: { state: "failed", problem: asApiError(error) } });
    }
  }

  private change(next: Desk): void {
    this.set({ desk: next });
    this.pump();
  }

  private set(part: Partial<Snapshot>): void {
    const keep = part.desk && part.desk.outbox !== this.now.desk.outbox;
    this.now = { ...this.now, ...part };
    if (keep) this.keep();
    for (const watcher of this.watchers) watcher();
  }

  private pump(): void {
    const { outbox, sending } = this.now.desk;
    const [task] = outbox;
    if (!task || sending || this.timer !== undefined || this.now.desk.stalled?.status === 401) return;
    this.set({ desk: desk.sending(this.now.desk) });
    void this.send(task).then(
      () => this.settle(desk.sent(this.now.desk)),
      (error: unknown) => {
        const problem = asApiError(error);
        if (problem.status === 401) {
          // The person has left: it is sent when they are back, and not in the name of whoever comes next.
          this.set({ desk: desk.wait(this.now.desk, problem) });
          return;
        }
        if (!problem.isPassing) return this.settle(desk.refused(this.now.desk, problem));
        const pause = Math.min(FIRST_PAUSE_MS * 2 ** task.tries, LONGEST_PAUSE_MS);
        this.timer = setTimeout(() => {
          this.timer = undefined;
          this.pump();
        }, pause);
        this.set({ desk: desk.wait(this.now.desk, problem) });
      },
    );
  }

  private settle(next: Desk): void {
    this.change(next);
    // The hub answers again: what failed meanwhile may succeed now.
    if (this.now.fetching.state === "failed") void this.refill();
    else this.refillIfLow();
  }

  private async send(task: Task): Promise<void> {
    const sample = task.item.sample.id;
    if (task.said === "undo") {
      // The hub may have done it although its answer was lost; once more would take back something else.
      if (task.tries > 0 && (await this.hub.held()).some((item) => item.sample.id === sample)) return;
      await this.hub.undo();
      return;
    }
    try {
      await this.hub.answer(sample, task.said);
    } catch (error) {
      if (task.tries > 0 && isDone(asApiError(error), task.said)) return;
      throw error;
    }
  }

  private keep(): void {
    try {
      this.shelf?.setItem(this.shelfKey, JSON.stringify(this.now.desk.outbox));
    } catch {
      // The shelf is full or refused: what is unsent lives as long as the page.
    }
  }

  private unsent(): Task[] {
    try {
      const kept: unknown = JSON.parse(this.shelf?.getItem(this.shelfKey) ?? "[]");
      return Array.isArray(kept) ? kept.filter(isTask).map((task) => ({ ...task, tries: task.tries + 1 })) : [];
    } catch {
      return [];
    }
  }
}

function isTask(value: unknown): value is Task {
  const task = value as Partial<Task> | null;
  return typeof task?.key === "number" && typeof task.item?.sample?.id === "string" && task.said !== undefined;
}

/** Whether the refusal of another try says that the very answer was taken before: its confirmation was lost. */
function isDone(problem: ApiError, said: Said): boolean {
  if (problem.kind === "already-said") return true;
  if (problem.kind === "already-wanted") return said.action === "second_opinion";
  if (problem.kind !== "already-reviewed") return false;
  if (said.action === "label") return problem.extra.label === said.label;
  return said.action === "unusable" && problem.extra.label === "unusable";
}
