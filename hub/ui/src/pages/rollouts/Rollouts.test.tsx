// The rollouts' page: how far bins are, why one refused, and who may choose another version.

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
  ...more,
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
