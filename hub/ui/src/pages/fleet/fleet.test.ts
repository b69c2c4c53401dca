// What of a bin's health needs a person, which bins are listed in what order, and what a new bin is told.

import { expect, it } from "vitest";
import type { ItemSeen } from "../../api/queries";
import { chosen, firstChoice, modelsOf } from "./choose";
import { configurationOf } from "./configuration";
import { changeOf } from "./Details";
import { byClass, medianLatency, quality } from "./items";
import { type BinView, concernsOf } from "./telemetry";

const bin = (id: string, more: Partial<BinView> = {}, telemetry: object = {}): BinView =>
  ({ id, name: id, created_ms: 0, online: true, model: "m1", telemetry, ...more }) as BinView;

const outbox = { entries: 0, bytes: 0, dropped_samples: 0, dropped_events: 0, damaged: 0 };

it.each([
  [bin("b"), []],
  [bin("b", { telemetry: null }), []],
  [bin("b", { online: false }, { outbox: { ...outbox, entries: 500 } }), ["offline"]],
  [bin("b", { takeovers: 2, takeover_ms: 5, last_seen_ms: 86_400_004 }), ["twin"]],
  [bin("b", { takeovers: 2, takeover_ms: 5, last_seen_ms: 86_400_005 }), []],
  [bin("b", { takeovers: 1, takeover_ms: 5, last_seen_ms: 5 }), []],
  [bin("b", { conflicts: 1, conflict_ms: 5, last_seen_ms: 6, online: false }), ["offline", "conflict"]],
  [bin("b", { conflicts: 1, conflict_ms: 5, last_seen_ms: 186_400_000 }), []],
  [bin("b", { camera: "failed: no such device" }), ["camera"]],
  [bin("b", { update: "refused m2: no classes" }), ["update"]],
  [bin("b", { update: "fetching m2" }), []],
  [bin("b", {}, { actuator: { opened: 1, failed: 1, fault: "no such line" } }), ["actuator"]],
  [bin("b", {}, { chamber: { known: true, without_gap: 9, unclear: 1 } }), []],
  [bin("b", {}, { chamber: { known: false, without_gap: 0, unclear: 0, fault: "not known yet" } }), ["chamber"]],
  [bin("b", {}, { fill: 0.84 }), []],
  [bin("b", {}, { fill: 0.85, temperature_c: 75 }), ["full", "hot"]],
  [bin("b", {}, { throttling: { now: [], since_boot: ["throttled"] } }), []],
  [bin("b", {}, { throttling: { now: ["throttled"], since_boot: [] } }), ["throttled"]],
  [bin("b", {}, { disk: { free_bytes: 4, total_bytes: 100 } }), ["disk"]],
  [bin("b", {}, { outbox: { ...outbox, dropped_events: 1 } }), ["dropped"]],
  [bin("b", {}, { outbox: { ...outbox, set_aside: 1 } }), ["aside"]],
  [bin("b", {}, { outbox: { ...outbox, set_aside: 0, made_smaller: 3, largest_message: 7000 } }), ["aside"]],
  [bin("b", {}, { outbox: { ...outbox, set_aside: 0 } }), []],
  [bin("b", {}, { outbox: { ...outbox, entries: 101 } }), ["queue"]],
])("looks at %#", (one, expected) => expect(concernsOf(one)).toEqual(expected));

const fleet = [
  bin("b10", { name: "Door 10", model: "m2", last_seen_ms: 5 }, { fill: 0.2 }),
  bin("b2", { name: "Door 2", online: false, group: "Centre" }, { fill: 0.9 }),
  bin("b3", { name: "Yard", model: null, place: { latitude: 0, longitude: 0, address: "Jalan Merdeka 1" } }),
];
const ids = (choice: Partial<typeof firstChoice>) =>
  chosen(fleet, { ...firstChoice, ...choice }, "en").map(({ id }) => id);

it("lists what is wanted", () => {
  expect(ids({})).toEqual(["b2", "b10", "b3"]);
  expect(ids({ text: " MERDEKA" })).toEqual(["b3"]);
  expect(ids({ text: "centre" })).toEqual(["b2"]);
  expect(ids({ online: "offline" })).toEqual(["b2"]);
  expect(ids({ model: "m2", online: "online" })).toEqual(["b10"]);
  expect(ids({ attention: true })).toEqual(["b2"]);
  expect(ids({ text: "nowhere" })).toEqual([]);
});

it("sorts by each column, both ways, and bins that are alike by name", () => {
  expect(ids({ sort: "fill", descending: true })).toEqual(["b2", "b10", "b3"]);
  expect(ids({ sort: "seen", descending: true })).toEqual(["b10", "b2", "b3"]);
  expect(ids({ sort: "online" })).toEqual(["b2", "b10", "b3"]);
  expect(ids({ sort: "model", descending: true })).toEqual(["b10", "b2", "b3"]);
  expect(ids({ sort: "attention", descending: true })).toEqual(["b2", "b10", "b3"]);
  expect(ids({ sort: "name", descending: true })).toEqual(["b3", "b10", "b2"]);
});

it("knows the models that bins have", () => {
  expect(modelsOf([bin("a", { model: "m10" }), bin("b", { model: "m9" }), ...fleet])).toEqual([
    "m1",
    "m2",
    "m9",
    "m10",
  ]);
});

it("writes the lines of a configuration file", () => {
  const lines = configurationOf("kitchen", "mqtt://0.0.0.0:1884", new URL("http://hub.local:8080/fleet"));
  expect(lines).toContain('[bin]\nid = "kitchen"');
  expect(lines).toContain('url = "mqtt://hub.local:1884"');
  expect(lines).toContain('[hub]\nurl = "http://hub.local:8080"');
  expect(configurationOf("k", "mqtts://broker:8883", new URL("http://hub"))).toContain('"mqtts://broker:8883"');
  expect(configurationOf("k", null, new URL("https://hub"))).toContain('"mqtts://hub:8883"');
  const proxied = configurationOf("k", null, new URL("https://example.org/pilah/fleet"), "/pilah/");
  expect(proxied).toContain('[hub]\nurl = "https://example.org/pilah"');
});

const draft = { name: " Door ", group: " ", latitude: 1, longitude: 2, address: " " };

it("changes a bin once the draft is whole", () => {
  expect(changeOf(draft)).toEqual({ name: "Door", group: null, place: { latitude: 1, longitude: 2, address: null } });
  expect(changeOf({ ...draft, latitude: "", longitude: "" })?.place).toBeNull();
  expect(changeOf({ ...draft, latitude: "" })).toBeNull();
  expect(changeOf({ ...draft, latitude: "-" })).toBeNull();
  expect(changeOf({ ...draft, name: " " })).toBeNull();
});

const item = (label: string, sure: boolean, truth: string | null, latency_ms: number) =>
  ({ label, sure, truth, latency_ms }) as ItemSeen;

it("counts what a bin saw", () => {
  const items = [item("glass", true, "glass", 10), item("paper", false, "glass", 30), item("paper", true, null, 20)];
  expect(byClass(items)).toEqual([
    { label: "paper", items: 2 },
    { label: "glass", items: 1 },
  ]);
  expect(quality(items)).toEqual({ sure: 2 / 3, right: 0.5, judged: 2 });
  expect(medianLatency(items)).toBe(20);
  expect(medianLatency(items.slice(0, 2))).toBe(20);
  expect(quality([])).toEqual({ sure: null, right: null, judged: 0 });
  expect(medianLatency([])).toBeNull();
});
