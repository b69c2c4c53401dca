// The first page: figures, what needs somebody, a hub without bins, and one that fails.

import { screen, within } from "@testing-library/react";
import { expect, it, vi } from "vitest";
import type { ItemSeen } from "../../api/queries";
import { type Answer, answering, problem, show } from "../../testing/render";
import { merged } from "./Feed";
import { Home } from "./Home";

// A chart draws on a canvas, which the test's document lacks.
vi.mock("../../components/LineChart", () => ({ LineChart: ({ label }: { label: string }) => <div>{label}</div> }));

const level = {
  level: 2,
  name: "learner",
  next: [],
  trainings: 1,
  reviewed: 120,
  accuracy: 0.68,
  wants: { trainings: 2, reviewed: 300, accuracy: 0.7 },
};

const item: ItemSeen = {
  id: 7,
  bin: "b1",
  at_ms: 1_795_420_000_000,
  sure: false,
  label: "glass",
  confidence: 0.55,
  model: "m1",
  latency_ms: 120,
  truth: "metal",
};

const bin = { id: "b1", name: "Canteen", created_ms: 0, last_seen_ms: 1, online: false };

function hub(more: Record<string, Answer> = {}) {
  const [http, mqtt] = [{ refused: 2 }, { refused: 1 }];
  const ingest = { connected: true };
  const doors = { http, mqtt };
  const status = { bins: 3, bins_online: 1, labelled: 120, model: "m1", ai_level: level, ingest, doors };
  return answering({
    "GET /api/v1/me": () => ({ user: "ida", role: "reviewer" }),
    "GET /api/status": () => status,
    "GET /api/v1/bins": () => [bin],
    "GET /api/v1/events": () => [item],
    "GET /api/v1/review": () => ({ open: 4, second: 1, disputed: 0, suspect: 0, mine: 0 }),
    "GET /api/training-status": () => ({ in_progress: true, progress: 40, accuracy: 0.8 }),
    "GET /api/v1/field": () => ({
      since_ms: 0,
      classes: [{ label: "glass", sure: 3, unsure: 1 }],
      models: [{ model: "m1", from_ms: 0, items: 4, right: 3, sure: 3, sure_right: 3 }],
      points: [{ at_ms: 0, model: "m1", items: 4, right: 3 }],
      truth_sources: ["virtual"],
    }),
    ...more,
  });
}

it("shows the fleet at a glance", async () => {
  hub();
  await show(<Home />);
  expect(await screen.findByText("1 of 3")).toBeTruthy();
  expect(await screen.findByText("bins were sure of 75%")).toBeTruthy();
  expect(await screen.findByRole("link", { name: "Review them" })).toBeTruthy();
  expect(screen.getByText("2: Learner")).toBeTruthy();
  expect(screen.getByText("120 of 300")).toBeTruthy();
  expect(await screen.findByText("40% · accuracy 80.0%")).toBeTruthy();
  const feed = screen.getByRole("region", { name: "Live items" });
  expect(within(feed).getByText("it is Metal")).toBeTruthy();
  expect(within(feed).getByText(/^Canteen · /)).toBeTruthy();
  const attention = screen.getByRole("region", { name: "Needs attention" });
  expect(within(attention).getByText(/^Offline, last heard of/)).toBeTruthy();
  expect(within(attention).getByText(/refused 3 connections/)).toBeTruthy();
});

it("tells a new hub's owner what to do first", async () => {
  hub({
    "GET /api/v1/bins": () => [],
    "GET /api/v1/events": () => [],
    "GET /api/v1/field": () => ({ since_ms: 0, classes: [], models: [], points: [], truth_sources: [] }),
  });
  await show(<Home />);
  expect(await screen.findByText("No bins yet")).toBeTruthy();
  expect(screen.getByRole("link", { name: "Enrol a bin" })).toBeTruthy();
  expect(await screen.findByText("Nothing is known yet")).toBeTruthy();
});

it("says what could not be read, and shows the rest", async () => {
  hub({ "GET /api/v1/field": () => problem(500, "internal", "the database failed") });
  await show(<Home />);
  expect(await screen.findAllByText("the database failed")).toHaveLength(2);
  expect(await screen.findByText("1 of 3")).toBeTruthy();
});

it("keeps the newest items of both lists, each once", () => {
  const at = (id: number) => ({ ...item, id });
  expect(merged([at(9), at(8)], [at(8), at(7)]).map((each) => each.id)).toEqual([9, 8, 7]);
  const many = Array.from({ length: 50 }, (_, id) => at(id));
  expect(merged([at(99)], many)[0]?.id).toBe(99);
  expect(merged([], many)).toHaveLength(10);
});
