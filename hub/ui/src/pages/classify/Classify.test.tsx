// A photo is classified and set right; what is no photo, and a camera that is refused, are met in words.

import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, it, vi } from "vitest";
import { speak } from "../../i18n";
import { type Answer, answering, problem, show } from "../../testing/render";
import { Classify } from "./Classify";
import { troubleOf } from "./Webcam";

const photo = new File([new Uint8Array([0xff, 0xd8, 0xff, 0xe0, 1])], "bottle.jpg", { type: "image/jpeg" });

const predicted = (request: Request) => {
  const id = new URL(request.url).searchParams.get("lang") === "id";
  return {
    prediction: {
      class: "glass",
      confidence: 0.91,
      sure: true,
      probabilities: { glass: 0.91, metal: 0.09 },
      model: "m1",
    },
    recommendation: {
      name: "glass",
      how_to_dispose: id ? "Bilas, lalu buang ke kaca." : "Rinse it, then put it to glass.",
      tips: [],
      language: id ? "id" : "en",
    },
    educational: { facts: [], language: id ? "id" : "en" },
  };
};

function hub(more: Record<string, Answer> = {}, role = "reviewer") {
  return answering({
    "GET /api/v1/me": () => ({ user: "ida", role }),
    "GET /api/v1/classes": () => ({
      classes: ["glass", "metal"].map((label) => ({ label, images: 1, train: 1, validation: 0, test: 0 })),
      unlabelled: 0,
    }),
    "POST /api/predict": predicted,
    ...more,
  });
}

async function choose(file: File) {
  await show(<Classify />);
  await userEvent.upload(await screen.findByTestId("files"), file, { applyAccept: false });
}

afterEach(() => speak("en"));

it("says what it is, how sure the model is, and what to do with it", async () => {
  hub();
  await choose(photo);
  expect(await screen.findByRole("heading", { name: "Glass" })).toBeTruthy();
  expect(screen.getByText("sure")).toBeTruthy();
  expect(screen.getByText("91.0%")).toBeTruthy();
  expect(screen.getByText("Rinse it, then put it to glass.")).toBeTruthy();
});

it("asks again when the language is switched", async () => {
  hub();
  await choose(photo);
  await screen.findByText("Rinse it, then put it to glass.");
  await speak("id");
  expect(await screen.findByText("Bilas, lalu buang ke kaca.")).toBeTruthy();
});

it("keeps the photo with the right label by one click", async () => {
  const requests = hub({
    "POST /api/upload-training": () => ({
      label: "metal",
      stored: 1,
      files: [{ name: "bottle.jpg", outcome: "stored" }],
    }),
  });
  await choose(photo);
  await userEvent.click(await screen.findByRole("button", { name: "Metal" }));
  expect(await screen.findByText("Kept as Metal. The next model learns from it.")).toBeTruthy();
  expect(requests.filter((request) => request.url.includes("upload-training"))).toHaveLength(1);
});

it("labels the very image anew when it was there with another label", async () => {
  const labelled: unknown[] = [];
  const files = [{ name: "bottle.jpg", outcome: "refused", sample: "s1", reason: "labelled glass" }];
  hub({
    "POST /api/upload-training": () => problem(422, "no-image-accepted", "none was accepted", { files }),
    "POST /api/v1/samples/s1/label": async (request) => {
      labelled.push(await request.json());
      return { id: "s1", label: "metal", was: "glass" };
    },
  });
  await choose(photo);
  await userEvent.click(await screen.findByRole("button", { name: "Metal" }));
  expect(await screen.findByText(/Now it is Metal/)).toBeTruthy();
  expect(labelled).toEqual([{ label: "metal" }]);
});

it("gives the hub's words when it keeps nothing", async () => {
  hub({
    "POST /api/upload-training": () => problem(422, "no-image-accepted", "the image is damaged", { files: [{}] }),
  });
  await choose(photo);
  await userEvent.click(await screen.findByRole("button", { name: "Metal" }));
  expect(await screen.findByText("the image is damaged")).toBeTruthy();
});

it("shows those who may not label no buttons for it", async () => {
  hub({}, "viewer");
  await choose(photo);
  await screen.findByRole("heading", { name: "Glass" });
  expect(screen.queryByRole("button", { name: "Metal" })).toBeNull();
});

it("does not send what is no image", async () => {
  const requests = hub();
  await choose(new File(["only text"], "photo.jpg", { type: "image/jpeg" }));
  expect(await screen.findByText(/This is no image, whatever its name says/)).toBeTruthy();
  expect(requests.filter((request) => request.url.includes("predict"))).toEqual([]);
  expect(screen.getByRole("button", { name: "Another photo" })).toBeTruthy();
});

it("says that no model is in service", async () => {
  hub({ "POST /api/predict": () => problem(503, "no-model", "no model is in service: train one first") });
  await choose(photo);
  expect(await screen.findByText("no model is in service: train one first")).toBeTruthy();
});

it("takes what is pasted", async () => {
  hub();
  await show(<Classify />);
  await screen.findByTestId("files");
  const paste = new Event("paste", { bubbles: true, cancelable: true });
  Object.assign(paste, { clipboardData: { files: [photo] } });
  document.dispatchEvent(paste);
  expect(await screen.findByRole("heading", { name: "Glass" })).toBeTruthy();
});

it("says why there is no camera, and offers the way by file", async () => {
  hub();
  const refused = Object.assign(new Error("no"), { name: "NotAllowedError" });
  const real = navigator;
  vi.stubGlobal("navigator", { ...real, mediaDevices: { getUserMedia: () => Promise.reject(refused) } });
  await show(<Classify />);
  await userEvent.click(await screen.findByRole("button", { name: "Webcam" }));
  const note = await screen.findByRole("alert");
  await waitFor(() => expect(within(note).getByText(/was told not to let this page use the camera/)).toBeTruthy());
  expect(screen.getByRole("button", { name: "Photo from a file or the phone" })).toBeTruthy();
  await userEvent.click(screen.getByRole("button", { name: "Back" }));
  expect(await screen.findByTestId("files")).toBeTruthy();
  vi.stubGlobal("navigator", real);
});

it.each([
  ["NotFoundError", "missing"],
  ["NotReadableError", "busy"],
  ["Error", "failed"],
])("%s means %s", (name, trouble) => {
  expect(troubleOf(Object.assign(new Error(""), { name }))).toBe(trouble);
});
