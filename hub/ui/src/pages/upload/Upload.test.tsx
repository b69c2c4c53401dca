// Many files, their labels, what becomes of each, and what happens when the hub is away for a while.

import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it, vi } from "vitest";
import { ApiError } from "../../api/problem";
import { answering, problem, show } from "../../testing/render";
import type { Outcome } from "./batch";
import { Files } from "./Files";
import { Upload } from "./Upload";
import { Uploader } from "./uploader";
import { ZipReport } from "./ZipReport";

const photo = (name: string) =>
  new File([new Uint8Array([0xff, 0xd8, 0xff, 0xe0])], name, { type: "image/jpeg", lastModified: 1 });

const send = vi.fn<(file: File, label: string) => Promise<Outcome>>();

beforeEach(() => {
  send.mockReset();
  send.mockResolvedValue({ status: "stored", words: null });
});

async function choose(...files: File[]) {
  await show(<Files classes={["glass", "metal"]} uploader={new Uploader(send)} />);
  await userEvent.upload(await screen.findByTestId("files"), files, { applyAccept: false });
  await screen.findByRole("list", { name: "Files" });
}

async function pick(label: string, option: string) {
  await userEvent.click(screen.getByRole("combobox", { name: label }));
  await userEvent.click(await screen.findByRole("option", { name: option }));
}

const sent = () => send.mock.calls.map(([file, label]) => `${file.name} ${label}`);

it("sends all with the label of the batch, and one with its own", async () => {
  await choose(photo("a.jpg"), photo("b.jpg"));
  expect(screen.getByRole("button", { name: "Send 0 photos" })).toHaveProperty("disabled", true);
  await pick("All of these show", "Glass");
  await pick("What b.jpg shows", "Metal");
  await userEvent.click(screen.getByRole("button", { name: "Send 2 photos" }));
  await waitFor(() => expect(sent()).toEqual(["a.jpg glass", "b.jpg metal"]));
  expect(await screen.findAllByText(/^Stored/)).toHaveLength(2);
});

it("reports what was there already and what was refused, with the reason, and tries it again", async () => {
  send.mockResolvedValueOnce({ status: "duplicate", words: null });
  send.mockResolvedValueOnce({ status: "refused", words: "the image is damaged" });
  await choose(photo("a.jpg"), photo("b.jpg"));
  await pick("All of these show", "Glass");
  await userEvent.click(screen.getByRole("button", { name: "Send 2 photos" }));
  expect(await screen.findByText("the image is damaged")).toBeTruthy();
  expect(screen.getByText("were there already")).toBeTruthy();
  await userEvent.click(screen.getByRole("button", { name: "Try 1 again" }));
  await waitFor(() => expect(sent()).toEqual(["a.jpg glass", "b.jpg glass", "b.jpg glass"]));
});

it("waits for a hub that is away, and loses nothing", async () => {
  send.mockRejectedValueOnce(new ApiError(0, "network", ""));
  send.mockRejectedValueOnce(new ApiError(0, "network", ""));
  await choose(photo("a.jpg"), photo("b.jpg"));
  await pick("All of these show", "Glass");
  await userEvent.click(screen.getByRole("button", { name: "Send 2 photos" }));
  expect(await screen.findByText("The upload waits")).toBeTruthy();
  await userEvent.click(screen.getByRole("button", { name: "Try now" }));
  await waitFor(() => expect(screen.getAllByText(/^Stored/)).toHaveLength(2));
});

it("holds what is no image, with the reason", async () => {
  await choose(photo("a.jpg"), new File(["text"], "b.jpg", { lastModified: 1 }));
  await pick("All of these show", "Glass");
  const row = screen.getByText("b.jpg").closest("li");
  expect(within(row as HTMLElement).getByText(/This is no image/)).toBeTruthy();
  await userEvent.click(screen.getByRole("button", { name: "Send 1 photo" }));
  await waitFor(() => expect(sent()).toEqual(["a.jpg glass"]));
  await userEvent.click(screen.getByRole("button", { name: "Remove b.jpg from the list" }));
  expect(screen.queryByText("b.jpg")).toBeNull();
});

it("lets nobody send who may not", async () => {
  answering({
    "GET /api/v1/me": () => ({ user: "ida", role: "viewer" }),
    "GET /api/v1/classes": () => ({ classes: [] }),
  });
  await show(<Upload />);
  expect(await screen.findByText("You may not do this")).toBeTruthy();
});

it("says that the classes cannot be read", async () => {
  answering({
    "GET /api/v1/me": () => ({ user: "ida", role: "reviewer" }),
    "GET /api/v1/classes": () => problem(500, "internal", "the database failed"),
  });
  await show(<Upload />);
  expect(await screen.findByText("the database failed")).toBeTruthy();
});

it("shows an import that runs, and then its report", async () => {
  sessionStorage.setItem("pilah-import", "i1");
  let asked = 0;
  const status = { id: "i1", by: "ida", file: "photos.zip", started_ms: 0, total: 4 };
  const report = {
    files: 4,
    imported: 2,
    duplicates: 1,
    excluded: 0,
    labels: { glass: 2 },
    splits: {},
    renamed: [{ folder: "Food Organics", label: "food_organics", files: 12 }],
    skipped: [{ file: "glass/x.jpg", reason: "the image is damaged" }],
  };
  answering({
    "GET /api/v1/me": () => ({ user: "ida", role: "reviewer" }),
    "GET /api/v1/classes": () => ({ classes: [], unlabelled: 0 }),
    "GET /api/v1/imports/i1": () => {
      asked += 1;
      return asked === 1 ? { ...status, state: "running", done: 1 } : { ...status, state: "done", done: 4, report };
    },
  });
  await show(<Upload />);
  await userEvent.click(await screen.findByRole("tab", { name: "Zip of folders" }));
  expect(await screen.findByText("Importing photos.zip: 1 of 4 files")).toBeTruthy();
  expect(await screen.findByText("photos.zip is imported")).toBeTruthy();
  expect(screen.getByText("the image is damaged")).toBeTruthy();
  expect(screen.getByText("The folder “Food Organics” is the class food_organics (12 files).")).toBeTruthy();
  sessionStorage.clear();
});

it("does not call an import of nothing a success, and says what was skipped", async () => {
  sessionStorage.setItem("pilah-import", "i2");
  const skipped = [{ file: "apple/1.jpg", reason: "there is no class apple" }];
  const report = { files: 1, imported: 0, duplicates: 0, excluded: 0, labels: {}, splits: {}, skipped };
  const error = "none of the 1 files was imported";
  answering({
    "GET /api/v1/me": () => ({ user: "ida", role: "reviewer" }),
    "GET /api/v1/classes": () => ({ classes: [], unlabelled: 0 }),
    "GET /api/v1/imports/i2": () => ({
      id: "i2",
      file: "photos.zip",
      state: "failed",
      done: 1,
      total: 1,
      error,
      report,
    }),
  });
  await show(<Upload />);
  await userEvent.click(await screen.findByRole("tab", { name: "Zip of folders" }));
  expect(await screen.findByText("photos.zip was not imported")).toBeTruthy();
  expect(screen.getByText(error)).toBeTruthy();
  expect(screen.getByText("there is no class apple")).toBeTruthy();
  sessionStorage.clear();
});

it("shows many skipped files a few at a time", async () => {
  const skipped = Array.from({ length: 45 }, (_, place) => ({ file: `${place}.txt`, reason: "no image" }));
  const report = { files: 45, imported: 0, duplicates: 0, excluded: 0, labels: {}, splits: {}, skipped };
  await show(<ZipReport file="photos.zip" report={report} />);
  expect(await screen.findAllByText("no image")).toHaveLength(20);
  await userEvent.click(screen.getByRole("button", { name: "Show more (25)" }));
  expect(screen.getAllByText("no image")).toHaveLength(40);
});
