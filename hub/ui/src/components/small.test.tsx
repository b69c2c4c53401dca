// The small shared parts: bars, badges, images, questions.

import { fireEvent, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { answering, show } from "../testing/render";
import { ClassBadge } from "./ClassBadge";
import { ConfidenceBars } from "./ConfidenceBars";
import { Confirm } from "./Confirm";
import { FileFinding } from "./FileFinding";
import { SampleImage } from "./SampleImage";

it("ranks classes by probability and names those that it does not know as they are", async () => {
  await show(<ConfidenceBars probabilities={{ paper: 0.1, batteries: 0.7, glass: 0.2 }} />);
  expect(screen.getAllByRole("listitem").map((item) => item.textContent)).toEqual([
    "batteries70.0%",
    "Glass20.0%",
    "Paper10.0%",
  ]);
});

it("names a class in words, not by colour alone", async () => {
  await show(<ClassBadge label="cardboard" />);
  expect(screen.getByText("Cardboard")).toBeTruthy();
});

it("says that an image cannot be read, and shows the next one", async () => {
  await show(<SampleImage sample="a/b" label="Glass" />);
  const image = screen.getByRole("img", { name: "Photo of Glass" });
  expect(image.getAttribute("src")).toBe("/api/v1/samples/a%2Fb/image");
  fireEvent.error(image);
  expect(screen.getByText("This image cannot be read")).toBeTruthy();
});

it("does what cannot be taken back only after a second click", async () => {
  const done = vi.fn();
  await show(
    <Confirm question="It will be gone." action="Delete" onConfirm={done}>
      Delete it
    </Confirm>,
  );
  await userEvent.click(screen.getByRole("button", { name: "Delete it" }));
  await userEvent.click(await screen.findByRole("button", { name: "Cancel" }));
  expect(done).not.toHaveBeenCalled();
  await userEvent.click(screen.getByRole("button", { name: "Delete it" }));
  await userEvent.click(await screen.findByRole("button", { name: "Delete" }));
  expect(done).toHaveBeenCalledOnce();
});

it("says how large a photo is, and what the hub takes at the most", async () => {
  answering({ "GET /api/v1/limits": () => ({ image_bytes: 3_000_000 }) });
  const photo = new File(["photo"], "photo.jpg", { type: "image/jpeg" });
  await show(<FileFinding finding="tooLarge" file={photo} onMended={() => {}} />);
  expect(await screen.findByText(/^This photo has 5 .*; the hub takes up to 3 MB/)).toBeTruthy();
  expect(screen.getByRole("button", { name: "Make it smaller" })).toBeTruthy();
});
