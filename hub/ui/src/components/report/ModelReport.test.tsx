// A report's figures, the images behind a cell of its matrix, and a version that was never measured.

import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import { type Answer, answering, problem, show } from "../../testing/render";
import { ModelReport } from "./ModelReport";

const offender = {
  sample: "01a20761-eee0-778a-9cf6-b44be352ed1a",
  truth: "glass",
  answer: "metal",
  confidence: 0.92,
  truth_probability: 0.05,
};

const set = {
  images: 20,
  correct: 18,
  accuracy: 0.9,
  interval: [0.7, 0.97],
  macro_f1: 0.88,
  macro_f1_interval: [0.7, 0.95],
  calibration_error: 0.1,
  per_class: [
    { label: "glass", images: 10, precision: 1, recall: 0.8, f1: 0.89 },
    { label: "metal", images: 10, precision: 0.83, recall: 1, f1: 0.91 },
  ],
  confusion: [
    [8, 2],
    [0, 10],
  ],
  set: "",
  groups: 20,
  calibration: { error: 0.1, largest: 0.3, by_chance: 0.08, p_calibrated: 0.2, bins: [] },
  risk_coverage: { points: [{ coverage: 1, risk: 0.1 }], area: 0.02, at_thresholds: { coverage: 0.8, risk: 0.05 } },
  worst: [offender],
  bins: [],
  unknown_class: 0,
  unreadable: 0,
};

const report = {
  format: 1,
  model: "m1",
  at_ms: 1_795_420_244_107,
  labels: ["glass", "metal"],
  test: set,
  field: null,
  field_since_ms: 0,
  speed: {
    median_ms: 40,
    p95_ms: 90,
    runs: 11,
    merged_bytes: 1_100_000,
    backbone_bytes: 0,
    head_bytes: 135_000,
    largest_difference: 0,
  },
  compared: null,
  notes: ["No fresh field sample is labelled."],
};

const hub = (role: string, more: Record<string, Answer> = {}): Record<string, Answer> => ({
  "GET /api/v1/me": () => ({ user: "ida", role }),
  "GET /api/v1/models/m1/report": () => report,
  ...more,
});

it("opens the images behind a number, and says that labels were changed since", async () => {
  const requests = answering(
    hub("viewer", { "GET /api/v1/models/m1/confusion": () => ({ total: 1, images: [offender] }) }),
  );
  await show(<ModelReport version="m1" />);
  expect(await screen.findByText("18 of 20 images right")).toBeTruthy();
  expect(screen.getByText("No fresh field sample is labelled.")).toBeTruthy();
  await userEvent.click(screen.getByRole("button", { name: "Glass taken for Metal: 2" }));
  const cell = within(await screen.findByRole("region", { name: "Images of this cell" }));
  expect(await cell.findByText("Glass, taken for Metal")).toBeTruthy();
  expect(cell.getByText(/There are 1 by the labels of now/)).toBeTruthy();
  const asked = new URL(requests.at(-1)?.url ?? "").searchParams;
  expect(Object.fromEntries(asked)).toMatchObject({ truth: "glass", answer: "metal", set: "test" });
  await userEvent.click(screen.getByRole("button", { name: "Glass taken for Metal: 2" }));
  expect(screen.queryByRole("region", { name: "Images of this cell" })).toBeNull();
});

it("measures a version that was never measured, if an administrator asks for it", async () => {
  answering(
    hub("admin", {
      "GET /api/v1/models/m1/report": () => problem(404, "not-evaluated", "m1 was not evaluated yet"),
      "POST /api/v1/models/m1/evaluate": () => report,
    }),
  );
  await show(<ModelReport version="m1" />);
  expect(await screen.findByText("This version was not measured here yet")).toBeTruthy();
  await userEvent.click(await screen.findByRole("button", { name: "Measure now" }));
  expect(await screen.findByText("18 of 20 images right")).toBeTruthy();
});

it("offers no measuring to a viewer, and says why the hub refused", async () => {
  answering(
    hub("viewer", { "GET /api/v1/models/m1/report": () => problem(404, "not-found", "there is no version m1") }),
  );
  await show(<ModelReport version="m1" />);
  expect(await screen.findByText("there is no version m1")).toBeTruthy();
  expect(screen.queryByRole("button", { name: "Measure now" })).toBeNull();
});
