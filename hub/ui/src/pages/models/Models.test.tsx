// The models' pages: the registry, what the gate asks for, imports, and two versions side by side.

import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import * as client from "../../api/client";
import { ApiError } from "../../api/problem";
import { type Answer, answering, problem, show } from "../../testing/render";
import { Compare } from "./Compare";
import { Models } from "./Models";

const model = (version: string, tags: string[], state = "previous") => ({
  version,
  state,
  tags,
  created_ms: 1_795_420_244_107,
  training: 4,
  accuracy: 0.9,
  macro_f1: 0.88,
  gate: null,
});

const hub = (role: string, more: Record<string, Answer> = {}): Record<string, Answer> => ({
  "GET /api/v1/me": () => ({ user: "ida", role }),
  "GET /api/v1/models": () => ({
    in_service: "m2",
    models: [model("m2", ["in_service"], "in_service"), model("m1", [])],
  }),
  "GET /api/v1/gate": () => ({
    significance: 0.05,
    margin: 0.005,
    require_better: false,
    calibration_error: 0.1,
    latency_ms: 250,
    megabytes: 64,
  }),
  "GET /api/v1/backbones": () => ({ backbones: [] }),
  "GET /api/v1/models/compare": () => ({
    a: { model: "m2", correct: 31, accuracy: 0.86, interval: [0.7, 0.94], lacks: [] },
    b: { model: "m1", correct: 20, accuracy: 0.55, interval: [0.4, 0.7], lacks: ["organic"] },
    images: 36,
    set: "",
    test: { only_old: 12, only_new: 1, p: 0.003, p_worse: 0.002 },
    by_class: [
      {
        label: "glass",
        images: 10,
        old_right: 9,
        new_right: 2,
        p_worse: 0.01,
        test: { only_old: 7, only_new: 0, p: 0.02, p_worse: 0.01 },
      },
    ],
    smallest_loss: 0.16,
    differing: [{ sample: "01a20761-eee0-778a-9cf6-b44be352ed1a", truth: "glass", a: "glass", b: "metal" }],
    summary: "",
  }),
  ...more,
});

it("lists versions, and says in words what the gate asks for", async () => {
  answering(hub("viewer"));
  await show(<Models />);
  expect(await screen.findByRole("link", { name: "m2" })).toBeTruthy();
  expect(screen.getByText("in service")).toBeTruthy();
  expect(screen.getByText("was in service")).toBeTruthy();
  expect(await screen.findByText(/falling behind by 0.5% of them counts as equal/)).toBeTruthy();
  expect(screen.queryByText("A model from elsewhere")).toBeNull();
});

it("says when another model serves because the files of one are damaged", async () => {
  const list = { in_service: "m1", notice: "m2 cannot be loaded; m1 is in service instead", models: [model("m1", [])] };
  answering(hub("viewer", { "GET /api/v1/models": () => list }));
  await show(<Models />);
  const alert = await screen.findByRole("alert");
  expect(alert.textContent).toContain("could not be loaded");
  expect(alert.textContent).toContain("m1 is in service instead");
});

it("offers a comparison once two are chosen, and never of three", async () => {
  answering(hub("viewer"));
  await show(<Models />);
  const person = userEvent.setup();
  await person.click(await screen.findByLabelText("Choose m2 for a comparison"));
  expect(screen.queryByRole("link", { name: "Compare the two" })).toBeNull();
  await person.click(screen.getByLabelText("Choose m1 for a comparison"));
  const link = screen.getByRole("link", { name: "Compare the two" });
  expect(link.getAttribute("href")).toBe("/models/compare?a=m2&b=m1");
});

it("imports a file, and says in the hub's words why it cannot be used", async () => {
  answering(hub("admin"));
  const send = vi.spyOn(client, "upload");
  send.mockRejectedValueOnce(new ApiError(422, "bad-model", "the zip has no labels.txt"));
  send.mockRejectedValueOnce(
    new ApiError(422, "scaling-unknown", "say it", { tried: [{ scaling: "0..1", right: 21 }] }),
  );
  const understood = {
    width: 224,
    height: 224,
    scaling: "0..1",
    because: "images",
    images: 48,
    tried: [{ scaling: "0..1", right: 47 }],
    doubts: [{ by: "file", scaling: "imagenet" }],
    changes: ["widened"],
  };
  const renamed = [{ written: "0 Glass", label: "glass" }];
  send.mockResolvedValueOnce({ kind: "model", model: "import-1", labels: ["glass"], renamed, understood, gate: null });
  const { container } = await show(<Models />);
  await screen.findByText("A model from elsewhere");
  const input = container.querySelector<HTMLInputElement>("input[type=file]");
  if (!input) throw new Error("no place for a file");
  await userEvent.upload(input, new File(["zip"], "model.zip"));
  expect(await screen.findByText("the zip has no labels.txt")).toBeTruthy();
  await userEvent.upload(input, new File(["zip"], "model.zip"));
  expect(await screen.findByText("How does this model take its pixels?")).toBeTruthy();
  expect(screen.getByText("0..1 labels 21 right")).toBeTruthy();
  expect(send.mock.lastCall?.[0]).toBe("/api/v1/models/import?");
  await userEvent.click(screen.getByRole("combobox", { name: "How it takes its pixels" }));
  await userEvent.click(await screen.findByText("0 to 1: Ultralytics"));
  await userEvent.upload(input, new File(["zip"], "model.zip"));
  expect(await screen.findByText("Version import-1")).toBeTruthy();
  expect(screen.getByText("There is no test image to judge it by.")).toBeTruthy();
  expect(send.mock.lastCall?.[0]).toBe("/api/v1/models/import?scaling=0..1");
  const words = "Images of 224 × 224, pixels 0..1: since it agrees with labelled images best.";
  expect(screen.getByText(words)).toBeTruthy();
  expect(screen.getByText("Tried out on 48 labelled images: 0..1 labels 47 right.")).toBeTruthy();
  expect(screen.getByText("Its file says imagenet: import it again so, if that is right.")).toBeTruthy();
  expect(screen.getByText("Half precision was widened to single.")).toBeTruthy();
});

it("says which of two models is better, and that chance does not explain it", async () => {
  answering(hub("viewer"));
  await show(<Compare />);
  expect(await screen.findByText("m2 is better")).toBeTruthy();
  expect(screen.getByText(/with a probability of < 0.01/)).toBeTruthy();
  expect(screen.getByText("It does not know: Organic.")).toBeTruthy();
  expect(screen.getByText(/worse beyond chance/)).toBeTruthy();
  expect(screen.getByText("Only m2 is right: 1 image")).toBeTruthy();
  expect(screen.getByText("Glass; m1 says Metal")).toBeTruthy();
});

it("says why a comparison is impossible", async () => {
  const words = "there is no test image to compare by";
  answering(hub("viewer", { "GET /api/v1/models/compare": () => problem(422, "no-test-images", words) }));
  await show(<Compare />);
  expect(await screen.findByText(words)).toBeTruthy();
});
