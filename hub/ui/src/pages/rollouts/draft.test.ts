// The form of a rollout: what is asked of the hub, and when there is enough to ask.

import { expect, it } from "vitest";
import { isComplete, newDraft, newGroup, nextPercent, request } from "./draft";

it("asks for each kind of group, and for a window", () => {
  const draft = {
    ...newDraft("m2"),
    soakMinutes: 10,
    groups: [
      { ...newGroup(0, 5), by: "bins" as const, bins: ["hall"], approval: true },
      { ...newGroup(1, 5), by: "tag" as const, tag: "north" },
      newGroup(2, 50),
    ],
    windowed: true,
    days: ["friday"],
  };
  const asked = request(draft, false, "Asia/Jakarta");
  expect(asked.groups).toEqual([
    { name: "", who: { by: "bins", bins: ["hall"] }, approval: true },
    { name: "", who: { by: "tag", tag: "north" }, approval: false },
    { name: "", who: { by: "share", percent: 50 }, approval: false },
  ]);
  expect(asked.rules?.time_zone).toBe("Asia/Jakarta");
  expect(asked.rules?.soak_s).toBe(600);
  expect(asked.rules?.windows).toEqual([{ days: ["friday"], from: "22:00", to: "05:00" }]);
  expect(request({ ...draft, windowed: false }, false, "Asia/Jakarta").rules?.windows).toEqual([]);
});

it("waits for what is missing", () => {
  const draft = newDraft("m2");
  expect(isComplete(draft, false)).toBe(true);
  expect(isComplete({ ...draft, version: "" }, false)).toBe(false);
  expect(isComplete(draft, true)).toBe(false);
  expect(isComplete({ ...draft, reason: "the new camera" }, true)).toBe(true);
  expect(isComplete({ ...draft, groups: [{ ...newGroup(0, 5), by: "tag" }] }, false)).toBe(false);
  expect(isComplete({ ...draft, groups: [] }, false)).toBe(true);
  expect(isComplete({ ...draft, windowed: true, from: "" }, false)).toBe(false);
});

it("puts a larger share after a share", () => {
  expect(nextPercent([newGroup(0, 5), newGroup(1, 25)])).toBe(50);
  expect(nextPercent([newGroup(0, 80)])).toBe(100);
  expect(nextPercent([])).toBe(5);
});
