// Sends in order, tries again, survives a reload, and never does twice what was done.

import { beforeEach, expect, it, vi } from "vitest";
import { ApiError } from "../../api/problem";
import type { ReviewItem, Said } from "./desk";
import { DeskStore, type Hub, type Shelf } from "./deskStore";
import { item } from "./testing";

const glass: Said = { action: "label", label: "glass" };
const lost = new ApiError(0, "network", "");

let sent: string[];
let hub: { [name in keyof Hub]: ReturnType<typeof vi.fn> };
let shelf: Shelf;

beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
  hub = {
    next: vi.fn(async (): Promise<ReviewItem[]> => ["a", "b", "c"].map((id) => item(id))),
    held: vi.fn(async (): Promise<ReviewItem[]> => []),
    answer: vi.fn(async (sample: string) => void sent.push(sample)),
    undo: vi.fn(async () => {
      sent.push("undo");
      return "a";
    }),
  };
  const kept = new Map<string, string>();
  shelf = { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => void kept.set(key, value) };
  return () => vi.useRealTimers();
});

const open = () => new DeskStore(hub as unknown as Hub, shelf, "unsent");
const settle = () => vi.advanceTimersByTimeAsync(0);
const queue = (store: DeskStore) =>
  store
    .snapshot()
    .desk.queue.map((each) => each.sample.id)
    .join("");

async function opened(): Promise<DeskStore> {
  const store = open();
  await store.refill();
  return store;
}

it("shows the next before the answer is sent, and sends in order", async () => {
  const store = await opened();
  store.say(["a"], glass);
  store.say(["b"], glass);
  expect(queue(store)).toBe("c");
  await settle();
  expect(sent).toEqual(["a", "b"]);
  expect(store.snapshot().desk.taken).toBe(2);
});

it("asks for as many as are unsent besides", async () => {
  const store = await opened();
  hub.answer.mockImplementation(() => new Promise(() => {}));
  store.say(["a", "b"], glass);
  await store.refill();
  expect(hub.next).toHaveBeenLastCalledWith(32);
});

it("tries again for as long as the hub does not answer, and loses nothing", async () => {
  const store = await opened();
  hub.answer.mockRejectedValueOnce(lost).mockRejectedValueOnce(lost);
  store.say(["a"], glass);
  store.say(["b"], glass);
  await settle();
  expect(store.snapshot().desk.stalled).toBe(lost);
  await vi.advanceTimersByTimeAsync(500 + 1000);
  expect(sent).toEqual(["a", "b"]);
  expect(store.snapshot().desk.stalled).toBeNull();
});

it("tries at once when told so", async () => {
  const store = await opened();
  hub.answer.mockRejectedValueOnce(lost);
  store.say(["a"], glass);
  await settle();
  store.retryNow();
  await settle();
  expect(sent).toEqual(["a"]);
});

it("sends after a reload what was not sent before", async () => {
  const store = await opened();
  hub.answer.mockRejectedValue(lost);
  store.say(["a"], glass);
  await settle();
  hub.answer.mockImplementation(async (sample: string) => void sent.push(sample));
  const reloaded = open();
  await settle();
  expect(sent).toEqual(["a"]);
  await reloaded.refill();
  expect(queue(reloaded)).toBe("bc");
});

it("begins anew when what was kept is damaged", () => {
  shelf.setItem("unsent", '[{"key":');
  expect(open().snapshot().desk.outbox).toEqual([]);
});

it("takes a lost confirmation for what it is", async () => {
  const store = await opened();
  hub.answer.mockRejectedValueOnce(lost);
  hub.answer.mockRejectedValueOnce(new ApiError(409, "already-reviewed", "ida has labelled it", { label: "glass" }));
  store.say(["a"], glass);
  await vi.advanceTimersByTimeAsync(500);
  expect(store.snapshot().desk).toMatchObject({ failed: [], outbox: [], taken: 1 });
});

it("shows a refusal of somebody else's different label", async () => {
  const store = await opened();
  hub.answer.mockRejectedValueOnce(new ApiError(409, "already-reviewed", "budi was faster", { label: "metal" }));
  store.say(["a"], glass);
  await settle();
  expect(store.snapshot().desk.failed).toMatchObject([{ problem: { message: "budi was faster" } }]);
});

it("does not take back twice when the first confirmation was lost", async () => {
  const store = await opened();
  store.say(["a"], glass);
  await settle();
  hub.undo.mockRejectedValueOnce(lost);
  hub.held.mockResolvedValueOnce([item("a")]);
  store.undo();
  await vi.advanceTimersByTimeAsync(500);
  expect(hub.undo).toHaveBeenCalledTimes(1);
  expect(store.snapshot().desk.outbox).toEqual([]);
  expect(queue(store)).toBe("abc");
});

it("says why no batch came, and gets one once the hub takes an answer again", async () => {
  const store = await opened();
  hub.next.mockRejectedValueOnce(lost);
  await store.refill();
  expect(store.snapshot().fetching).toEqual({ state: "failed", problem: lost });
  hub.next.mockResolvedValueOnce(["b", "c", "d"].map((id) => item(id)));
  store.say(["a"], glass);
  await settle();
  expect(queue(store)).toBe("bcd");
});

it("asks again when something new has come", async () => {
  const store = await opened();
  await store.refill();
  expect(store.snapshot().exhausted).toBe(true);
  const asked = hub.next.mock.calls.length;
  store.mayHaveMore();
  store.mayHaveMore();
  await vi.advanceTimersByTimeAsync(2000);
  expect(hub.next.mock.calls.length).toBe(asked + 1);
});

it("sends nothing in the name of whoever comes next", async () => {
  const store = await opened();
  hub.answer.mockRejectedValueOnce(new ApiError(401, "unauthorized", "not logged in"));
  store.say(["a"], glass);
  await vi.advanceTimersByTimeAsync(60_000);
  store.say(["b"], glass);
  await settle();
  expect(sent).toEqual([]);
  store.retryNow();
  await settle();
  expect(sent).toEqual(["a", "b"]);
});
