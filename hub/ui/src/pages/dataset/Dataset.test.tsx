// The dataset's page: what it shows of the hub's figures, to whom, and what it asks when one searches or deletes.

import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import * as client from "../../api/client";
import { type Answer, answering, problem, show } from "../../testing/render";
import { Dataset } from "./Dataset";

const statistics = {
  samples: 120,
  labelled: 100,
  unlabelled: 15,
  unusable: 5,
  classes: [],
  bins: [
    { bin: "kitchen", samples: 80, labelled: 70, unusable: 5 },
    { bin: null, samples: 40, labelled: 30, unusable: 0 },
  ],
  weeks: [{ monday: "2026-11-23", samples: 120, labelled: 100 }],
  sources: { bin: 80, upload: 40 },
  splits: { train: 80, validation: 10, test: 10 },
  image_bytes: 2_400_000,
  warnings: ["glass has only 12 labelled images: label at least 20"],
  label_noise: { judged: 100, share: 0.02, suspects: 2, pairs: [{ label: "glass", likely: "metal", images: 2 }] },
};

const curve = {
  points: [
    { share: 0.5, images: 40, accuracies: [0.7], accuracy: 0.7 },
    { share: 1, images: 80, accuracies: [0.8], accuracy: 0.8 },
  ],
  law: { a: 0.05, b: 1, c: 0.5 },
  outlook: { images: 160, accuracy: 0.86, interval: [0.84, 0.88], gain: 0.06, gain_interval: [0.03, 0.08] },
  validation_images: 10,
  training_images: 80,
  sentence: "",
};

const sample = {
  id: "01a20762-c8e7-7224-af21-f4c05fd58c08",
  source: "bin",
  bin: "kitchen",
  at_ms: 1_795_420_244_107,
  received_ms: 1_795_420_244_126,
  width: 320,
  height: 240,
  sure: false,
  guess: "metal",
  confidence: 0.61,
  model: "m1",
  label: "glass",
  labelled_by: "ida",
  labelled_at_ms: 1_795_420_245_132,
  split: "train",
};

const classCounts = {
  classes: [
    { label: "glass", images: 60, train: 48, validation: 6, test: 6 },
    { label: "metal", images: 40, train: 32, validation: 4, test: 4 },
  ],
  unlabelled: 15,
};

const hub = (role: string, more: Record<string, Answer> = {}): Record<string, Answer> => ({
  "GET /api/v1/me": () => ({ user: "ida", role }),
  "GET /api/v1/statistics": () => statistics,
  "GET /api/v1/statistics/learning-curve": () => ({ curve, computed_ms: 1_795_420_240_294 }),
  "GET /api/v1/classes": () => classCounts,
  "GET /api/v1/bins": () => [{ id: "kitchen", name: "Kitchen" }],
  "GET /api/v1/dataset/versions": () => ({ versions: [] }),
  "GET /api/v1/search": () => ({ hits: [{ sample, random: false, unsure: 0.4, suggested: "metal" }], next: null }),
  [`GET /api/v1/samples/${sample.id}/similar`]: () => ({ samples: [] }),
  ...more,
});

it("says what there is, what is out of balance, and whether more labels are worth it", async () => {
  answering(hub("viewer"));
  await show(<Dataset />);
  expect(await screen.findByText("Out of balance in 1 point")).toBeTruthy();
  expect(await screen.findByText("48 training · 6 validation · 6 test")).toBeTruthy();
  expect(await screen.findByText("More labels are worth it")).toBeTruthy();
  expect(screen.getByText(/About 2.0% of 100 labels/)).toBeTruthy();
  expect(screen.getByText("1 bin")).toBeTruthy();
});

it("waits for a curve that is being computed, and says how far that is", async () => {
  answering(
    hub("viewer", {
      "GET /api/v1/statistics/learning-curve": () => ({ curve: null, computed_ms: null }),
      "GET /api/v1/review": () => ({ embeddings: { dimension: 384, embedded: 30, missing: 90, failed: 0 } }),
    }),
  );
  await show(<Dataset />);
  expect(await screen.findByText(/looked at 30 of 120 images/)).toBeTruthy();
});

it("says what to do when there is nothing, and what went wrong when the hub refuses", async () => {
  answering(hub("viewer", { "GET /api/v1/statistics": () => ({ ...statistics, samples: 0 }) }));
  const shown = await show(<Dataset />);
  expect(await screen.findByText("There are no images yet")).toBeTruthy();
  shown.unmount();
  answering(hub("viewer", { "GET /api/v1/statistics": () => problem(500, "internal", "the database is locked") }));
  await show(<Dataset />);
  expect(await screen.findByText("the database is locked")).toBeTruthy();
});

it("finds by label and keeps the question in the address; a viewer gives no labels", async () => {
  const requests = answering(hub("viewer"));
  await show(<Dataset />);
  const person = userEvent.setup();
  await person.click(await screen.findByRole("tab", { name: "Search" }));
  await person.selectOptions(await screen.findByLabelText("Label"), "glass");
  await screen.findByText("1 sample, that is all");
  const asked = requests.map((request) => new URL(request.url)).filter((url) => url.pathname === "/api/v1/search");
  expect(asked.at(-1)?.searchParams.get("label")).toBe("glass");
  expect(screen.queryByRole("tab", { name: "Deletion" })).toBeNull();

  await person.click(screen.getByRole("button", { name: /Photo of Glass/ }));
  const dialog = await screen.findByRole("dialog");
  expect(within(dialog).getByText("Metal, 61% sure (m1)")).toBeTruthy();
  expect(within(dialog).queryByText("What it shows")).toBeNull();
});

it("lets a reviewer correct a label", async () => {
  const bodies: unknown[] = [];
  answering(
    hub("reviewer", {
      [`POST /api/v1/samples/${sample.id}/label`]: async (request) => {
        bodies.push(await request.json());
        return { id: sample.id, label: "metal", was: "glass" };
      },
    }),
  );
  await show(<Dataset />);
  const person = userEvent.setup();
  await person.click(await screen.findByRole("tab", { name: "Search" }));
  await person.click(await screen.findByRole("button", { name: /Photo of Glass/ }));
  await person.click(await screen.findByRole("button", { name: "Metal" }));
  expect(await screen.findByText("Saved: Metal")).toBeTruthy();
  expect(bodies).toEqual([{ label: "metal" }]);
});

it("searches by an image, and says at once why a file is none", async () => {
  answering(hub("viewer"));
  const send = vi.spyOn(client, "upload").mockResolvedValue({ samples: [{ sample, similarity: 0.87 }] });
  const { container } = await show(<Dataset />);
  await userEvent.click(await screen.findByRole("tab", { name: "Search" }));
  await screen.findByText("Search by an image");
  const input = container.querySelector<HTMLInputElement>("input[type=file]");
  if (!input) throw new Error("no place for a file");
  await userEvent.upload(input, new File(["no image at all"], "photo.jpg", { type: "image/jpeg" }));
  expect(await screen.findByText(/This is no image, whatever its name says/)).toBeTruthy();
  expect(send).not.toHaveBeenCalled();
  const jpeg = new Uint8Array([0xff, 0xd8, 0xff, 0xe0]);
  await userEvent.upload(input, new File([jpeg], "photo.jpg", { type: "image/jpeg" }));
  expect(await screen.findByText("87% alike")).toBeTruthy();
  await userEvent.click(screen.getByRole("button", { name: "Take the image away" }));
  expect(await screen.findByText("1 sample, that is all")).toBeTruthy();
});

it("deletes only what was shown first, and after a second question", async () => {
  const bodies: unknown[] = [];
  const figures = { samples: 80, images: 78, kept: 2, bytes: 1_000_000 };
  answering(
    hub("admin", {
      "POST /api/v1/dataset/deletions": async (request) => {
        const body = (await request.json()) as { dry_run: boolean };
        bodies.push(body);
        return { ...figures, dry_run: body.dry_run, audit: body.dry_run ? null : 7 };
      },
    }),
  );
  await show(<Dataset />);
  const person = userEvent.setup();
  await person.click(await screen.findByRole("tab", { name: "Deletion" }));
  const look = screen.getByRole<HTMLButtonElement>("button", { name: "See what would be deleted" });
  expect(look.disabled).toBe(true);
  await person.selectOptions(
    screen.getByLabelText("Bin"),
    await screen.findByRole("option", { name: "kitchen · Kitchen" }),
  );
  await person.click(look);
  await person.click(await screen.findByRole("button", { name: "Delete for good" }));
  await person.click(await screen.findByRole("button", { name: "Delete" }));
  expect(await screen.findByText("80 samples are deleted")).toBeTruthy();
  expect(bodies).toEqual([
    { bin: "kitchen", dry_run: true },
    { bin: "kitchen", dry_run: false },
  ]);
});
