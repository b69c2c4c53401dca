// The rollouts' page: how far groups and bins are and why, how the version does, and who may begin, hold and end it.

import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import { type Answer, answering, problem, show } from "../../testing/render";
import { Rollouts } from "./Rollouts";

const model = (version: string, state: string, tags: string[], passed = true) => ({
  version,
  state,
  tags,
  created_ms: 0,
  accuracy: 0.9,
  gate: {
    passed,
    rules: [{ rule: "accuracy", passed, measured: "41", wanted: "42 of 45", reason: "it labels 41 of 45 right" }],
  },
});

const hub = (role: string, more: Record<string, Answer> = {}): Record<string, Answer> => ({
  "GET /api/v1/me": () => ({ user: "ida", role }),
  "GET /api/v1/rollout": () => ({
    desired: "m2",
    bins: [
      { bin: "hall", model: "m2", state: "in_force" },
      { bin: "kitchen", model: "m1", state: "failed", error: "golden outputs differ by 0.2" },
    ],
  }),
  "GET /api/v1/bins": () => [
    { id: "hall", name: "Hall", online: true, created_ms: 0 },
    { id: "kitchen", name: "Kitchen", online: true, created_ms: 0 },
  ],
  "GET /api/v1/models": () => ({
    in_service: "m2",
    models: [
      model("m3", "rejected", [], false),
      model("m2", "in_service", ["in_service"]),
      model("m1", "previous", ["previous"]),
    ],
  }),
  "GET /api/v1/rollouts": () => [],
  ...more,
});

const rules = {
  success_percent: 90,
  error_percent: 10,
  silent_percent: 30,
  silent_after_s: 3600,
  present_percent: 50,
  soak_s: 3600,
  field: "hold_if_worse",
  windows: [],
  time_zone: "UTC",
};

const view = (phase: string, more: Record<string, unknown> = {}) => ({
  id: 4,
  version: "m3",
  before: "m2",
  by: "ida",
  reason: null,
  started_ms: 0,
  ended_ms: null,
  open: ["rolling", "waiting", "held", "paused"].includes(phase),
  phase,
  reached: 1,
  of_groups: 2,
  ...more,
});

const detail = (phase: string, more: Record<string, unknown> = {}) => ({
  ...view(phase, more),
  rules,
  ready_ms: null,
  groups: [
    {
      name: "5 %",
      who: { by: "share", percent: 5 },
      approval: false,
      reached_ms: 1,
      count: {},
      bins: [
        { bin: "hall", model: "m3", state: "committed" },
        { bin: "kitchen", model: "m2", state: "took_back", reason: "unsure of 9 of 10 items" },
      ],
    },
    {
      name: "all",
      who: { by: "share", percent: 100 },
      approval: true,
      reached_ms: null,
      count: {},
      bins: [{ bin: "yard", model: "m2", state: "later" }],
    },
  ],
  history: [
    { at_ms: 1, words: "ida began to bring m3 to bins that have m2", happening: {} },
    { at_ms: 2, words: "kitchen took it back: unsure of 9 of 10 items", happening: {} },
  ],
});

const measured = (measure: string, finding: string, more: Record<string, unknown> = {}) => ({
  measure,
  new: 0.2,
  others: 0.1,
  new_items: 400,
  other_items: 900,
  new_bins: 1,
  other_bins: 2,
  difference: 0.1,
  interval: [0.06, 0.14],
  alpha: 0.0125,
  tolerance: 0.03,
  finding,
  ...more,
});

const comparison = {
  verdict: "worse",
  words: "20.0 % of the items are unsure",
  missing: [],
  measures: [
    measured("right", "not_yet", { difference: null, interval: null, new: null, new_items: 0 }),
    measured("unsure", "worse"),
    measured("share", "no_worse", { label: "glass", difference: 0, interval: [-0.02, 0.02] }),
  ],
};

const rolling = (phase: string, more: Record<string, unknown> = {}): Record<string, Answer> => ({
  "GET /api/v1/rollouts": () => [view(phase, more)],
  "GET /api/v1/rollouts/4": () => detail(phase, more),
  "GET /api/v1/rollouts/4/comparison": () => comparison,
});

it("says how many bins have the model, and why one refused it", async () => {
  answering(hub("viewer"));
  await show(<Rollouts />);
  expect(await screen.findByText("1 of 2 bins have it (50%).")).toBeTruthy();
  expect(screen.getByText("golden outputs differ by 0.2")).toBeTruthy();
  expect(screen.getByText("1 · refused it")).toBeTruthy();
  expect(screen.queryByText("Another version")).toBeNull();
});

it("goes back to the version before", async () => {
  const bodies: unknown[] = [];
  answering(
    hub("admin", {
      "POST /api/v1/models/m1/activate": async (request) => {
        bodies.push(await request.json());
        return model("m1", "in_service", ["in_service"]);
      },
    }),
  );
  await show(<Rollouts />);
  await userEvent.click(await screen.findByRole("button", { name: "Go back to it" }));
  await userEvent.click(within(await screen.findByRole("dialog")).getByRole("button", { name: "Put into service" }));
  expect(bodies).toEqual([{}]);
});

it("wants a reason for a version that the gate refused", async () => {
  const bodies: unknown[] = [];
  answering(
    hub("admin", {
      "POST /api/v1/models/m3/activate": async (request) => {
        bodies.push(await request.json());
        return model("m3", "in_service", ["in_service"], false);
      },
    }),
  );
  await show(<Rollouts />);
  await userEvent.selectOptions(await screen.findByLabelText("Version"), "m3");
  await userEvent.click(screen.getByRole("button", { name: "Put into service" }));
  const dialog = within(await screen.findByRole("dialog"));
  const anyway = dialog.getByRole<HTMLButtonElement>("button", { name: "Put into service all the same" });
  expect(anyway.disabled).toBe(true);
  expect(dialog.getByText("it labels 41 of 45 right")).toBeTruthy();
  await userEvent.type(dialog.getByLabelText("Reason"), "the new camera");
  await userEvent.click(anyway);
  expect(bodies).toEqual([{ reason: "the new camera" }]);
});

it("says what to do without a model, and what went wrong when the hub refuses", async () => {
  answering(hub("viewer", { "GET /api/v1/rollout": () => ({ desired: null, bins: [] }) }));
  const shown = await show(<Rollouts />);
  expect(await screen.findByText("No model is in service yet")).toBeTruthy();
  shown.unmount();
  answering(hub("viewer", { "GET /api/v1/rollout": () => problem(500, "internal", "the database is locked") }));
  await show(<Rollouts />);
  expect(await screen.findByText("the database is locked")).toBeTruthy();
});

it("draws each group with its bins, says why one took it back, and what happened", async () => {
  answering(hub("viewer", rolling("held", { words: "unsure twice as often" })));
  await show(<Rollouts />);
  expect(await screen.findByRole("img", { name: "1 · has it, 1 · went back" })).toBeTruthy();
  expect(screen.getByRole("img", { name: "1 · waiting" })).toBeTruthy();
  expect(screen.getByText("unsure twice as often")).toBeTruthy();
  const troubles = within(screen.getByRole("group", { name: "Bins that did not keep it" }));
  expect(troubles.getByText("unsure of 9 of 10 items")).toBeTruthy();
  expect(screen.getByText("kitchen took it back: unsure of 9 of 10 items")).toBeTruthy();
  expect(screen.queryByRole("button", { name: "End it" })).toBeNull();
});

it("shows each measure with its interval, and what it says", async () => {
  answering(hub("viewer", rolling("rolling")));
  await show(<Rollouts />);
  expect(await screen.findByText("20.0 % of the items are unsure")).toBeTruthy();
  expect(screen.getByRole("img", { name: "+6 to +14 points" })).toBeTruthy();
  const glass = within(screen.getByText("Takes for Glass").closest("tr") as HTMLElement);
  expect(glass.getByText("no worse")).toBeTruthy();
  const right = within(screen.getByText("Right where it is sure").closest("tr") as HTMLElement);
  expect([right.getByText("too few items or bins"), right.getByText("of 0 items")]).toBeTruthy();
});

it("offers what can be done in each phase, and shows why the hub refuses", async () => {
  const asked: string[] = [];
  answering(
    hub("admin", {
      ...rolling("waiting"),
      "POST /api/v1/rollouts/4/approve": () => {
        asked.push("approve");
        return detail("rolling");
      },
      "POST /api/v1/rollouts/4/pause": () => problem(409, "not-in-this-state", "it is over"),
    }),
  );
  const shown = await show(<Rollouts />);
  await userEvent.click(await screen.findByRole("button", { name: "Let it go on" }));
  expect(asked).toEqual(["approve"]);
  await userEvent.click(screen.getByRole("button", { name: "Pause" }));
  expect(await screen.findByText("it is over")).toBeTruthy();
  expect(screen.getByRole<HTMLButtonElement>("button", { name: "New rollout" }).disabled).toBe(true);
  shown.unmount();
  answering(hub("admin", rolling("stopped", { words: "2 of 2 bins refused it" })));
  await show(<Rollouts />);
  expect(await screen.findByRole("button", { name: "Begin anew" })).toBeTruthy();
  expect(screen.queryByRole("button", { name: "Pause" })).toBeNull();
});

it("asks for a rollout as it is on the form, with a reason if the gate refused the version", async () => {
  const bodies: Record<string, unknown>[] = [];
  answering(
    hub("admin", {
      "POST /api/v1/rollouts": async (request) => {
        bodies.push(await request.json());
        return problem(422, "bad-rollout", "group 1 (5 %) is empty");
      },
    }),
  );
  await show(<Rollouts />);
  expect(await screen.findByText("Nothing was rolled out in groups yet")).toBeTruthy();
  await userEvent.click(await screen.findByRole("button", { name: "New rollout" }));
  const dialog = within(await screen.findByRole("dialog"));
  await userEvent.selectOptions(dialog.getByLabelText("Version"), "m3");
  const begin = dialog.getByRole<HTMLButtonElement>("button", { name: "Begin" });
  expect(begin.disabled).toBe(true);
  await userEvent.type(dialog.getByLabelText("Why all the same"), "the new camera");
  await userEvent.click(begin);
  expect(await dialog.findByText("group 1 (5 %) is empty")).toBeTruthy();
  expect(bodies).toEqual([
    {
      version: "m3",
      reason: "the new camera",
      groups: [5, 25].map((percent) => ({ name: "", who: { by: "share", percent }, approval: false })),
      rules: {
        success_percent: 90,
        error_percent: 10,
        silent_percent: 30,
        silent_after_s: 3600,
        present_percent: 50,
        soak_s: 3600,
        field: "hold_if_worse",
        windows: [],
        time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
      },
    },
  ]);
});
