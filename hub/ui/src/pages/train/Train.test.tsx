// The trainings' page: who may start one, what is sent, what a training that runs shows, and what a hub that refuses says.

import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import { type Answer, answering, problem, show } from "../../testing/render";
import { Train } from "./Train";

const level = {
  level: 2,
  name: "learner",
  next: [],
  wants: { trainings: 2, reviewed: 300, accuracy: 0.7 },
  trainings: 1,
  reviewed: 120,
  accuracy: 0.6,
};

const idle = {
  in_progress: false,
  id: null,
  state: "idle",
  phase: "",
  current_epoch: 0,
  total_epochs: 0,
  progress: 0,
  message: "no training has run yet",
  images_total: 0,
  images_done: 0,
  images_cached: 0,
  history: [],
};

const running = {
  ...idle,
  in_progress: true,
  id: 7,
  state: "running",
  phase: "fitting",
  current_epoch: 12,
  total_epochs: 40,
  progress: 35,
  message: "epoch 12 of at most 40",
  accuracy: 0.81,
  loss: 0.4,
  validation_loss: 0.5,
  attempt: 2,
  resumed_from: 10,
};

const training = {
  id: 7,
  state: "running",
  started_ms: 1_795_420_244_107,
  finished_ms: null,
  params: { epochs: 80 },
  message: "epoch 12 of at most 40",
  model: null,
  attempts: 2,
  log: [{ at_ms: 1_795_420_244_107, message: "queued by ida" }],
  history: [],
  report: null,
};

const hub = (role: string, more: Record<string, Answer> = {}): Record<string, Answer> => ({
  "GET /api/v1/me": () => ({ user: "ida", role }),
  "GET /api/status": () => ({ ai_level: level }),
  "GET /api/training-status": () => idle,
  "GET /api/v1/trainings": () => ({ trainings: [] }),
  "GET /api/v1/trainings/7": () => training,
  "GET /api/v1/trainings/parameters": () => ({
    parameters: [
      {
        name: "epochs",
        default: 40,
        default_without_hidden: 100,
        minimum: 1,
        above_minimum: false,
        maximum: 500,
        whole: true,
      },
    ],
    least_images: 7,
  }),
  "GET /api/v1/classes": () => ({
    classes: [
      { label: "glass", images: 60, train: 48, validation: 6, test: 6 },
      { label: "metal", images: 40, train: 32, validation: 4, test: 4 },
    ],
    unlabelled: 0,
  }),
  ...more,
});

it("lets nobody but an administrator start one, and says what is missing to the next level", async () => {
  answering(hub("reviewer"));
  await show(<Train />);
  expect(await screen.findByText("No training has run yet")).toBeTruthy();
  expect(await screen.findByText("120 of 300")).toBeTruthy();
  expect(screen.queryByRole("button", { name: "Start the training" })).toBeNull();
});

it("sends only what was changed", async () => {
  const bodies: unknown[] = [];
  answering(
    hub("admin", {
      "POST /api/train": async (request) => {
        bodies.push(await request.json());
        return Response.json({ id: 7, status: running }, { status: 202 });
      },
    }),
  );
  await show(<Train />);
  const person = userEvent.setup();
  await person.click(await screen.findByRole("button", { name: "Start the training" }));
  await person.click(screen.getByText("What it should heed"));
  await person.type(screen.getByLabelText("Epochs"), "80");
  await person.click(await screen.findByLabelText("Metal (40)"));
  await person.click(screen.getByRole("button", { name: "Start the training" }));
  expect(bodies).toEqual([{}, { epochs: 80, labels: ["glass"] }]);
});

it("says what is out of the range that the hub states, and does not send it", async () => {
  const requests = answering(hub("admin"));
  await show(<Train />);
  const person = userEvent.setup();
  await person.click(await screen.findByText("What it should heed"));
  expect(await screen.findByText("A class needs 7 labelled images or more.")).toBeTruthy();
  const epochs = screen.getByLabelText("Epochs") as HTMLInputElement;
  expect(epochs.placeholder).toBe("40 unless changed");
  await person.type(epochs, "501");
  expect(screen.getByText("It must be 1 to 500.")).toBeTruthy();
  const button = screen.getByRole("button", { name: "Start the training" });
  expect(button.hasAttribute("disabled")).toBe(true);
  await person.type(epochs, "{backspace}");
  expect(screen.queryByText("It must be 1 to 500.")).toBeNull();
  expect(button.hasAttribute("disabled")).toBe(false);
  expect(requests.filter(({ method }) => method === "POST")).toEqual([]);
});

it("says in the hub's words why there is too little to learn from", async () => {
  const words = "each class needs at least 5 labelled images, but metal has 2";
  answering(hub("admin", { "POST /api/train": () => problem(422, "too-little-data", words) }));
  await show(<Train />);
  await userEvent.click(await screen.findByRole("button", { name: "Start the training" }));
  expect(await screen.findByText("There is too little to learn from yet")).toBeTruthy();
  expect(screen.getByText(words)).toBeTruthy();
});

it("shows a training that runs, that the hub was restarted, and ends it when asked to", async () => {
  let cancelled = 0;
  answering(
    hub("admin", {
      "GET /api/training-status": () => running,
      "POST /api/v1/trainings/7/cancel": () => {
        cancelled += 1;
        return Response.json(running, { status: 202 });
      },
    }),
  );
  await show(<Train />);
  expect(await screen.findByText("Epoch 12 of at most 40")).toBeTruthy();
  expect(screen.getByRole("progressbar", { name: "How far the training is" }).getAttribute("aria-valuenow")).toBe("35");
  expect(screen.getByText(/the training goes on from epoch 10/)).toBeTruthy();
  expect(await screen.findByText("queued by ida")).toBeTruthy();
  expect(screen.queryByRole("button", { name: "Start the training" })).toBeNull();
  await userEvent.click(screen.getByRole("button", { name: "Cancel" }));
  await userEvent.click(await screen.findByRole("button", { name: "End the training" }));
  expect(cancelled).toBe(1);
});

it("says why a training failed", async () => {
  const failed = { ...idle, id: 7, state: "failed", message: "the disk is full" };
  answering(hub("viewer", { "GET /api/training-status": () => failed }));
  await show(<Train />);
  expect(await screen.findByText("the disk is full")).toBeTruthy();
  expect(screen.getByText("failed")).toBeTruthy();
});
