// A bin that is not connected is told from one that is slow, and one that refused stays in sight.

import { describe, expect, it } from "vitest";
import type { Schemas } from "../../api/client";
import { byUrgency, counts, members } from "./progress";

const bin = (id: string, online: boolean) =>
  ({ id, name: id.toUpperCase(), online, created_ms: 0, last_seen_ms: 5 }) as Schemas["BinView"];

const rollout = {
  desired: "m2",
  bins: [
    { bin: "a", model: "m2", state: "in_force" },
    { bin: "b", model: "m1", state: "fetching" },
    { bin: "c", model: "m1", state: "waiting" },
    { bin: "d", model: "m1", state: "failed", error: "golden outputs differ" },
    { bin: "e", model: "m2", state: "in_force" },
  ],
} as Schemas["RolloutState"];

const bins = [bin("a", true), bin("b", true), bin("c", false), bin("d", false), bin("e", false)];

describe("members", () => {
  const all = members(rollout, bins);

  it("keeps what is done and what was refused, connected or not", () => {
    expect(all.map((each) => each.standing)).toEqual(["inForce", "fetching", "offline", "refused", "inForce"]);
    expect(all[3]?.error).toBe("golden outputs differ");
  });

  it("counts them", () => {
    expect(counts(all)).toEqual({ inForce: 2, fetching: 1, waiting: 0, offline: 1, refused: 1 });
  });

  it("puts first what needs a look", () => {
    expect(byUrgency(all).map((each) => each.bin)).toEqual(["d", "b", "c", "a", "e"]);
  });

  it("does without the list of bins", () => {
    expect(members(rollout, []).map((each) => each.standing)).toEqual([
      "inForce",
      "fetching",
      "waiting",
      "refused",
      "inForce",
    ]);
  });
});
