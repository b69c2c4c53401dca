// What a reviewer sees and does, with keys and without.

import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it } from "vitest";
import { type Answer, answering, problem, show } from "../../testing/render";
import type { ReviewItem } from "./desk";
import { Review } from "./Review";
import { item } from "./testing";
import { forgetDesks } from "./useDesk";

const labels = ["cardboard", "glass", "metal", "paper", "plastic", "trash"];
const classes = labels.map((label) => ({ label, images: 1, train: 1, validation: 0, test: 0 }));
const embeddings = { dimension: 256, embedded: 3, missing: 0, failed: 0 };

beforeEach(() => {
  forgetDesks();
  localStorage.clear();
});

/** A hub with these items; gives what it was told. */
function hub(items: ReviewItem[], more: Record<string, Answer> = {}, role = "reviewer") {
  const told: string[] = [];
  const answers = Object.fromEntries(
    items.map(({ sample }) => [
      `POST /api/v1/review/${sample.id}/answer`,
      async (request: Request) => {
        told.push(`${sample.id} ${JSON.stringify(await request.json())}`);
        return { sample: sample.id, state: "done" };
      },
    ]),
  );
  answering({
    "GET /api/v1/me": () => ({ user: "ida", role }),
    "GET /api/v1/classes": () => ({ classes, unlabelled: items.length }),
    "GET /api/v1/bins": () => [],
    "GET /api/v1/review": () => ({
      open: items.length,
      second: 0,
      disputed: 0,
      suspect: 0,
      mine: 0,
      embeddings,
      answered: 9,
      answered_by_me: 4,
    }),
    "POST /api/v1/review/next": () => ({ items }),
    "POST /api/v1/review/undo": () => {
      told.push("undo");
      return { sample: "a", state: "open" };
    },
    ...answers,
    ...more,
  });
  return told;
}

const shown = () => document.querySelector("[data-shown]")?.getAttribute("data-sample");
const begun = (sample: string) => waitFor(() => expect(shown()).toBe(sample));

it("labels with one key each and goes on", async () => {
  const told = hub([item("a"), item("b"), item("c")]);
  await show(<Review />);
  await begun("a");
  await userEvent.keyboard("2");
  expect(shown()).toBe("b");
  await userEvent.keyboard("6");
  expect(shown()).toBe("c");
  await waitFor(() =>
    expect(told).toEqual(['a {"action":"label","label":"glass"}', 'b {"action":"label","label":"trash"}']),
  );
});

it("skips, asks others, and says why an image is of no use", async () => {
  const told = hub([item("a"), item("b"), item("c")]);
  await show(<Review />);
  await begun("a");
  await userEvent.keyboard("s");
  await userEvent.keyboard("o");
  await userEvent.keyboard("u");
  expect(await screen.findByText("Why is it of no use?")).toBeTruthy();
  await userEvent.keyboard("b");
  await waitFor(() =>
    expect(told).toEqual([
      'a {"action":"skip"}',
      'b {"action":"second_opinion","label":null}',
      'c {"action":"unusable","reason":"blurred"}',
    ]),
  );
});

it("takes back with Z and by button", async () => {
  const told = hub([item("a"), item("b")]);
  await show(<Review />);
  await begun("a");
  await userEvent.click(screen.getByRole("button", { name: /Glass/ }));
  await waitFor(() => expect(told).toHaveLength(1));
  await userEvent.keyboard("z");
  expect(shown()).toBe("a");
  await waitFor(() => expect(told).toEqual([expect.stringContaining("a "), "undo"]));
});

it("says why an image was picked", async () => {
  hub([item("a", { suggested: "metal", suspect: 0.82, unsure: 0.1 }, { label: "glass" })]);
  await show(<Review />);
  expect(await screen.findByText("It is labelled Glass, but is probably Metal.")).toBeTruthy();
  expect(screen.getByText("82%")).toBeTruthy();
  expect(screen.queryByText(/torn between/)).toBeNull();
});

it("labels many at once", async () => {
  const told = hub([item("a"), item("b"), item("c", {}, { guess: "metal" })]);
  await show(<Review />);
  await begun("a");
  await userEvent.keyboard("g");
  const glass = await screen.findByRole("region", { name: "Taken for Glass" });
  await userEvent.click(within(glass).getByRole("button", { name: "Choose all 2" }));
  await screen.findByText("2 images chosen");
  await userEvent.keyboard("3");
  await waitFor(() =>
    expect(told).toEqual(['a {"action":"label","label":"metal"}', 'b {"action":"label","label":"metal"}']),
  );
  expect(screen.queryByRole("region", { name: "Taken for Glass" })).toBeNull();
});

it("shows what the hub refused, with the sample and a way on", async () => {
  hub([item("a"), item("b")], {
    "POST /api/v1/review/a/answer": () => problem(409, "held", "budi has this sample in hand for another 60 s"),
  });
  await show(<Review />);
  await begun("a");
  await userEvent.keyboard("2");
  const note = await screen.findByRole("alert");
  expect(within(note).getByText(/budi has this sample in hand/)).toBeTruthy();
  await userEvent.click(within(note).getByRole("button", { name: "Look at it again" }));
  expect(shown()).toBe("a");
});

it("counts what was done today, since the reader's own midnight", async () => {
  const asked: string[] = [];
  hub([item("a")], {
    "GET /api/v1/review": (request) => {
      asked.push(new URL(request.url).searchParams.get("since_ms") ?? "");
      return { open: 1, second: 0, disputed: 0, suspect: 0, mine: 0, embeddings, answered: 9, answered_by_me: 4 };
    },
  });
  await show(<Review />);
  expect(await screen.findByText("done by you today")).toBeTruthy();
  expect(screen.getByText("done by all")).toBeTruthy();
  expect(new Date(Number(asked[0])).getHours()).toBe(0);
});

it("says when nothing waits", async () => {
  hub([]);
  await show(<Review />);
  expect(await screen.findByText("Nothing waits for review")).toBeTruthy();
});

it("says why no image came", async () => {
  hub([], { "POST /api/v1/review/next": () => problem(500, "internal", "the database failed") });
  await show(<Review />);
  expect(await screen.findByText("the database failed")).toBeTruthy();
});

it("lets nobody in who may not review", async () => {
  hub([item("a")], {}, "viewer");
  await show(<Review />);
  expect(await screen.findByText("You may not do this")).toBeTruthy();
  expect(shown()).toBeUndefined();
});
