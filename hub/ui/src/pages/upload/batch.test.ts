// Where each file is, and what is needed before it goes.

import { expect, it } from "vitest";
import { ApiError } from "../../api/problem";
import * as batch from "./batch";

const file = (name: string, size = 3) => new File(["x".repeat(size)], name, { lastModified: 1 });
const glass = (name: string, more: Partial<batch.NewFile> = {}): batch.NewFile => ({
  file: file(name),
  path: name,
  label: "glass",
  finding: null,
  ...more,
});
const states = (of: batch.Batch) => of.entries.map((entry) => entry.status).join(" ");
const on = (...files: batch.NewFile[]) => batch.running(batch.added(batch.emptyBatch, files), true);

it.each([
  ["glass/1.jpg", "glass"],
  ["photos/Glass/monday/1.jpg", "glass"],
  ["glass/metal/1.jpg", "metal"],
  ["glass.jpg", null],
  ["photos/Food  Organics/1.jpg", "food_organics"],
  ["bottles/1.jpg", null],
])("the folders of %s say %s", (path, label) => {
  expect(batch.labelOfPath(path, ["glass", "metal", "food_organics"])).toBe(label);
});

it("holds what has no label or would be refused, until both are mended", () => {
  const now = batch.added(batch.emptyBatch, [
    glass("a"),
    glass("b", { label: null }),
    glass("c", { finding: "tooLarge" }),
  ]);
  expect(states(now)).toBe("ready held held");
  expect(states(batch.labelled(now, 2, "metal"))).toBe("ready ready held");
  expect(states(batch.mended(now, 3, file("c.jpg")))).toBe("ready held ready");
  expect(states(batch.labelled(now, 1, null))).toBe("held held held");
});

it("does not add the very file twice", () => {
  const now = batch.added(batch.added(batch.emptyBatch, [glass("a"), glass("a")]), [glass("a"), glass("b")]);
  expect(now.entries.map((entry) => entry.path)).toEqual(["a", "b"]);
});

it("labels those that nobody labelled, or all that are not sent", () => {
  let now = on(glass("a"), glass("b", { label: null }), glass("c"));
  now = batch.ended(batch.begun(now, 3), 3, { status: "stored", words: null });
  expect(batch.labelledAll(now, "metal", false).entries.map((entry) => entry.label)).toEqual([
    "glass",
    "metal",
    "glass",
  ]);
  expect(batch.labelledAll(now, "metal", true).entries.map((entry) => entry.label)).toEqual([
    "metal",
    "metal",
    "glass",
  ]);
});

it("sends nothing before it is told to, and stops when all is settled", () => {
  const still = batch.added(batch.emptyBatch, [glass("a")]);
  expect(batch.upNext(still)).toBeUndefined();
  const now = batch.ended(batch.begun(on(glass("a")), 1), 1, { status: "duplicate", words: null });
  expect(now.running).toBe(false);
  expect(batch.isSettled(now.entries[0] as batch.Entry)).toBe(true);
});

it("puts back what the hub could not answer to, and keeps what it refused", () => {
  const lost = new ApiError(0, "network", "");
  let now = batch.stalled(batch.begun(on(glass("a"), glass("b")), 1), 1, lost);
  expect(states(now)).toBe("ready ready");
  expect(now.stalled).toBe(lost);
  now = batch.failed(batch.begun(now, 1), 1, new ApiError(507, "disk-full", "the disk is full"));
  now = batch.ended(batch.begun(now, 2), 2, { status: "refused", words: "the image is damaged" });
  expect(states(now)).toBe("failed refused");
  expect(batch.byUrgency(now).map((entry) => entry.words)).toEqual(["the disk is full", "the image is damaged"]);
  expect(states(batch.again(now))).toBe("ready ready");
});

it("does not forget what is on its way", () => {
  const now = batch.removed(batch.begun(on(glass("a"), glass("b")), 1), new Set([1, 2]));
  expect(now.entries.map((entry) => entry.path)).toEqual(["a"]);
});
