// What a reviewer has before them and what is on its way to the hub: pure.
//
// An answer takes effect here at once, and is sent in the background, one after the other, in order. Undo takes back
// what was not sent yet without a word to the hub. What the hub refuses comes back with its reason.

import type { Schemas } from "../../api/client";
import type { ApiError } from "../../api/problem";

export type ReviewItem = Schemas["ReviewItem"];

/** Why an image is of no use. */
export const unusableReasons = ["blurred", "empty", "person"] as const;

/** What a reviewer says of a sample, as the hub takes it. */
export type Said =
  | { action: "label"; label: string }
  | { action: "unusable"; reason: (typeof unusableReasons)[number] }
  | { action: "skip" }
  | { action: "second_opinion"; label: null };

/** Something that the hub is to be told. */
export interface Task {
  /** Grows by one with each task. */
  key: number;
  item: ReviewItem;
  /** What was said, or `undo`. */
  said: Said | "undo";
  /** How often it was tried without an answer. */
  tries: number;
}

/** Something that was done in this sitting. */
export interface Done {
  key: number;
  item: ReviewItem;
  said: Said;
  /** What was done at once has the same, and is taken back at once. */
  together: number;
}

/** Something that the hub refused. */
export interface Failure {
  task: Task;
  problem: ApiError;
}

export interface Desk {
  /** What is to be looked at, the present one first. */
  queue: readonly ReviewItem[];
  /** The newest last. */
  done: readonly Done[];
  /** What the hub does not know yet, in order. The first is on its way if `sending`. */
  outbox: readonly Task[];
  sending: boolean;
  /** Why the first of the outbox has to wait; it is tried again. */
  stalled: ApiError | null;
  failed: readonly Failure[];
  /** Samples that were answered in this sitting: the hub may still give them out while an answer is on its way. */
  answered: ReadonlySet<string>;
  /** The next key. */
  next: number;
  /** Answers that the hub has taken in this sitting, without skipped ones, less those taken back. */
  taken: number;
}

export const emptyDesk: Desk = {
  queue: [],
  done: [],
  outbox: [],
  sending: false,
  stalled: null,
  failed: [],
  answered: new Set(),
  next: 1,
  taken: 0,
};

/** How far back undo goes. */
export const MOST_DONE = 200;

/** How many items the hub holds for this reviewer as far as the desk knows: seen ones whose answers are not sent, too. */
export function inHand(desk: Desk): number {
  return desk.queue.length + desk.outbox.filter((task) => task.said !== "undo").length;
}

/** The hub gave these out. Of what was there, the present one stays, and others as long as they are still given. */
export function given(desk: Desk, items: readonly ReviewItem[]): Desk {
  const byId = new Map(items.map((item) => [item.sample.id, item]));
  const kept = desk.queue.filter((item, place) => place === 0 || byId.has(item.sample.id));
  const known = new Set([...desk.answered, ...kept.map((item) => item.sample.id)]);
  const renewed = kept.map((item) => byId.get(item.sample.id) ?? item);
  return { ...desk, queue: [...renewed, ...items.filter((item) => !known.has(item.sample.id))] };
}

/** Somebody else has answered for a sample: it goes, unless the reviewer is looking at it. */
export function gone(desk: Desk, sample: string): Desk {
  const queue = desk.queue.filter((item, place) => place === 0 || item.sample.id !== sample);
  return queue.length === desk.queue.length ? desk : { ...desk, queue };
}

/** The reviewer says something of these samples. */
export function say(desk: Desk, samples: readonly string[], said: Said): Desk {
  const wanted = new Set(samples);
  const items = desk.queue.filter((item) => wanted.has(item.sample.id));
  if (items.length === 0) return desk;
  const entries = items.map((item, place) => ({ key: desk.next + place, item, said }));
  return {
    ...desk,
    queue: desk.queue.filter((item) => !wanted.has(item.sample.id)),
    done: [...desk.done, ...entries.map((entry) => ({ ...entry, together: desk.next }))].slice(-MOST_DONE),
    outbox: [...desk.outbox, ...entries.map((entry) => ({ ...entry, tries: 0 }))],
    answered: new Set([...desk.answered, ...items.map((item) => item.sample.id)]),
    next: desk.next + entries.length,
  };
}

/** Takes back what was done last: what is not on its way yet silently, else by telling the hub. */
export function takeBack(desk: Desk): Desk {
  const last = desk.done.at(-1);
  if (!last) return desk;
  const back = desk.done.filter((each) => each.together === last.together);
  const keys = new Set(back.map((each) => each.key));
  const unsent = new Set(
    desk.outbox.filter((task, place) => keys.has(task.key) && !(desk.sending && place === 0)).map((task) => task.key),
  );
  const refused = new Set(desk.failed.map((failure) => failure.task.key));
  const undone = back
    .filter((each) => !unsent.has(each.key) && !refused.has(each.key))
    .reverse()
    .map((each, place): Task => ({ key: desk.next + place, item: each.item, said: "undo", tries: 0 }));
  const answered = new Set(desk.answered);
  for (const each of back) answered.delete(each.item.sample.id);
  return {
    ...desk,
    queue: [...back.map((each) => each.item), ...desk.queue],
    done: desk.done.filter((each) => each.together !== last.together),
    outbox: [...desk.outbox.filter((task) => !unsent.has(task.key)), ...undone],
    failed: desk.failed.filter((failure) => !keys.has(failure.task.key)),
    answered,
    next: desk.next + undone.length,
  };
}

/** The first of the outbox is on its way. */
export function sending(desk: Desk): Desk {
  return { ...desk, sending: true };
}

/** The hub has taken the first of the outbox. */
export function sent(desk: Desk): Desk {
  const [task, ...rest] = desk.outbox;
  const counts = task?.said === "undo" ? -1 : task?.said.action === "skip" ? 0 : 1;
  return { ...desk, outbox: rest, sending: false, stalled: null, taken: Math.max(0, desk.taken + counts) };
}

/** No answer came, or the hub is busy: the first of the outbox waits to be tried again. */
export function wait(desk: Desk, problem: ApiError): Desk {
  const outbox = desk.outbox.map((task, place) => (place === 0 ? { ...task, tries: task.tries + 1 } : task));
  return { ...desk, outbox, sending: false, stalled: problem };
}

/** The hub refused the first of the outbox. An answer that cannot be taken back stays: its sample goes. */
export function refused(desk: Desk, problem: ApiError): Desk {
  const [task, ...rest] = desk.outbox;
  if (!task) return desk;
  const failed = [...desk.failed, { task, problem }];
  if (task.said !== "undo") return { ...desk, outbox: rest, sending: false, stalled: null, failed };
  const sample = task.item.sample.id;
  return {
    ...desk,
    queue: desk.queue.filter((item) => item.sample.id !== sample),
    outbox: rest.filter((each) => each.item.sample.id !== sample),
    sending: false,
    stalled: null,
    failed,
    answered: new Set([...desk.answered, sample]),
  };
}

/** The same answer is to be sent once more. */
export function sendAgain(desk: Desk, key: number): Desk {
  const failure = desk.failed.find((each) => each.task.key === key);
  if (!failure) return desk;
  return {
    ...desk,
    failed: desk.failed.filter((each) => each !== failure),
    outbox: [...desk.outbox, { ...failure.task, tries: 0 }],
  };
}

/** The reviewer looks at a refused one again. */
export function lookAgain(desk: Desk, key: number): Desk {
  const failure = desk.failed.find((each) => each.task.key === key);
  if (!failure) return desk;
  const { item } = failure.task;
  const answered = new Set(desk.answered);
  answered.delete(item.sample.id);
  return {
    ...desk,
    queue: [item, ...desk.queue.filter((each) => each.sample.id !== item.sample.id)],
    done: desk.done.filter((each) => each.key !== key),
    failed: desk.failed.filter((each) => each !== failure),
    answered,
  };
}

/** The reviewer has read why. */
export function dismiss(desk: Desk, key: number): Desk {
  return {
    ...desk,
    done: desk.done.filter((each) => each.key !== key),
    failed: desk.failed.filter((failure) => failure.task.key !== key),
  };
}
