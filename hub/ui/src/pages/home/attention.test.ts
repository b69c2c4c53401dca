// Which bins need somebody, and in what order.

import { expect, it } from "vitest";
import { attention, type BinView, type Telemetry } from "./attention";

const bin = (id: string, more: Partial<BinView> = {}): BinView => ({
  id,
  name: id,
  created_ms: 0,
  last_seen_ms: 1,
  online: true,
  camera: "streaming",
  conflicts: 0,
  takeovers: 0,
  taken_back: [],
  ...more,
});
/** The document of the interface does not say what telemetry holds. */
const told = (telemetry: Telemetry) => ({ telemetry: telemetry as never });
const found = (...bins: BinView[]) => attention(bins).map((each) => `${each.bin.id} ${each.trouble}`);

it("is calm when all is well", () => {
  const quiet = told({ fill: 0.79, outbox: { entries: 99 }, actuator: {}, throttling: { now: [] } });
  expect(found(bin("a"), bin("b", quiet))).toEqual([]);
});

it.each([
  ["full", told({ fill: 0.8 })],
  ["backlog", told({ outbox: { entries: 100 } })],
  ["flap", told({ actuator: { fault: "jammed" } })],
  ["slowed", told({ throttling: { now: ["under_voltage"] } })],
  ["camera", { camera: "failed: no device" }],
  ["update", { update: "refused: the signature is wrong" }],
  ["offline", { online: false }],
] as [string, Partial<BinView>][])("finds a bin that is or has: %s", (trouble, more) => {
  expect(found(bin("a", more))).toEqual([`a ${trouble}`]);
});

it("does not miss a bin that was never there", () => {
  expect(found(bin("a", { online: false, last_seen_ms: null }))).toEqual([]);
});

it("tells of a bin that is gone only what lasts", () => {
  const gone = { online: false, camera: "failed", ...told({ fill: 0.9, outbox: { entries: 500 } }) };
  expect(found(bin("a", gone))).toEqual(["a offline", "a full"]);
});

it("puts what stops a bin first, then goes by name", () => {
  const full = told({ fill: 1 });
  expect(found(bin("c", full), bin("b", { online: false }), bin("a", full), bin("d", { camera: "failed" }))).toEqual([
    "d camera",
    "b offline",
    "a full",
    "c full",
  ]);
});
