// The question goes to the hub as it was put; the answer, its absence and its refusals are shown.

import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { answering, problem, show } from "../../testing/render";
import { Demand } from "./Demand";
import { Plan } from "./Plan";
import type { Forecast, Product } from "./queries";
import { Training } from "./Training";

const band = (mean: number[]) => ({ mean, lower: mean.map((v) => v - 5), upper: mean.map((v) => v + 5) });
const accuracy = (rmsse: number) => ({ mae: rmsse * 4, rmsse, coverage: 0.8, values: 168 });

const forecast: Forecast = {
  title: "bin-liners",
  step: "day",
  level: 0.8,
  history: { dates: ["2026-06-23", "2026-06-24"], values: [10, null] },
  dates: ["2026-06-25", "2026-06-26"],
  forecast: { ensemble: band([49, 51]), prophet: band([50, 50]), naive: band([40, 60]) },
  weights: { prophet: 0.75, naive: 0.25 },
  backtest: { ensemble: accuracy(0.75), prophet: accuracy(1.5), naive: accuracy(1) },
  stock: {
    lead_time_demand: 247,
    reorder_point: 265,
    safety_stock: 17,
    minimum: 264,
    maximum: 642,
    order_quantity: 282,
    days_until_stockout: 3.2,
    stockout_risk: 0.61,
  },
  warnings: [
    "stock-out: with probability 61 % what is there does not last for the lead time; order 282 now",
    "new kind",
  ],
  notes: ["2 days without a value"],
  files: { png: "/plot.png?days=30", svg: "/plot.svg", csv: "/plot.csv?days=30" },
} as unknown as Forecast;

const product = (product_id: string, category: string | null = null): Product =>
  ({ product_id, category, rows: 420, first: "", last: "", total: 1, character: null, skipped: null }) as Product;

const me = (role = "admin") => ({ "GET /api/v1/me": () => ({ user: "ida", role }) });
const known = (...list: Product[]) => ({ "GET /api/v1/forecast/products": () => ({ products: list }) });

it("asks for the total, and shows what it is told", async () => {
  const requests = answering({ ...me(), ...known(product("bin-liners")), "POST /forecast": () => forecast });
  await show(<Demand onTrain={() => {}} />);
  await screen.findByRole("heading", { name: "bin-liners" });
  const body = await requests.find((request) => request.method === "POST")?.json();
  expect(body).toEqual({ days: 30, service_level: 0.95, level: 0.8 });

  expect(screen.getByText("Stock runs out")).toBeTruthy();
  expect(screen.getByText("new kind")).toBeTruthy();
  expect(screen.getByText("2 days without a value")).toBeTruthy();
  expect(screen.getByText("282")).toBeTruthy();
  expect(screen.getByText("61% risk within the lead time")).toBeTruthy();
  expect(screen.getByRole("link", { name: "PNG" }).getAttribute("href")).toBe("/plot.png?days=30");
  const rows = within(screen.getByRole("table"))
    .getAllByRole("row")
    .map((row) => row.textContent);
  expect(rows[1]).toMatch(/^All together.*0.75.*25% better/);
  expect(rows[2]).toMatch(/^Repeat of the last season.*the one to beat/);
  expect(rows[3]).toMatch(/^Prophet.*50% worse.*75%$/);
});

it("asks again for another product and other terms", async () => {
  const requests = answering({
    ...me(),
    ...known(product("bin-liners"), product("gloves")),
    "POST /forecast": () => forecast,
  });
  await show(<Demand onTrain={() => {}} />);
  await screen.findByRole("heading", { name: "bin-liners" });
  await userEvent.click(screen.getByLabelText("Product or bin", { selector: "input" }));
  await userEvent.click(await screen.findByText("gloves"));
  await userEvent.click(screen.getByLabelText("365 days"));
  await userEvent.click(screen.getByText("Terms and filters"));
  await userEvent.type(screen.getByLabelText("Store"), "Depot North");
  await waitFor(async () => {
    const last = requests
      .filter((request) => request.method === "POST")
      .at(-1)
      ?.clone();
    expect(await last?.json()).toMatchObject({ product_id: "gloves", days: 365, store: "Depot North" });
  });
});

it("gives no stock advice for what bins count", async () => {
  answering({ ...me(), ...known(product("b1/glass", "items")), "POST /forecast": () => forecast });
  await show(<Demand onTrain={() => {}} />);
  await screen.findByText("What to keep and to order");
  await userEvent.click(screen.getByLabelText("Product or bin", { selector: "input" }));
  await userEvent.click(await screen.findByText("b1 / Glass"));
  await waitFor(() => expect(screen.queryByText("What to keep and to order")).toBeNull());
});

it("says what to send while there is nothing", async () => {
  const onTrain = vi.fn();
  answering({
    ...me(),
    ...known(),
    "POST /forecast": () => problem(409, "not-trained", "nothing was trained yet"),
  });
  await show(<Demand onTrain={onTrain} />);
  await userEvent.click(await screen.findByRole("button", { name: "Upload data" }));
  expect(onTrain).toHaveBeenCalled();
  expect(screen.getByRole("button", { name: "Download a sample file" })).toBeTruthy();
});

it("offers the upload to administrators alone", async () => {
  answering({ ...me("viewer"), ...known(), "POST /forecast": () => problem(409, "not-trained", "nothing") });
  await show(<Demand onTrain={() => {}} />);
  await screen.findByText("An administrator can upload it.");
  expect(screen.queryByRole("button", { name: "Upload data" })).toBeNull();
});

it("leads from an unknown product to one that is near", async () => {
  const unknown = () => problem(404, "not-found", "there is no product glove: is it gloves?", { nearest: ["gloves"] });
  let first = true;
  const requests = answering({
    ...me(),
    ...known(product("glove"), product("gloves")),
    "POST /forecast": () => {
      const answer = first ? unknown() : forecast;
      first = false;
      return answer;
    },
  });
  await show(<Demand onTrain={() => {}} />);
  await screen.findByText("there is no product glove: is it gloves?");
  await userEvent.click(screen.getByRole("button", { name: "gloves" }));
  await screen.findByRole("heading", { name: "bin-liners" });
  expect(await requests.at(-1)?.json()).toMatchObject({ product_id: "gloves" });
});

it("keeps the training from those who may not", async () => {
  answering({ ...me("reviewer"), ...known() });
  await show(<Training onShow={() => {}} />);
  await screen.findByText("You may not do this");
  expect(screen.queryByRole("button", { name: "Choose a file" })).toBeNull();
});

it("sends the options with the file", async () => {
  const done = { stage: "result", message: "", progress: 100, data: {} };
  const requests = answering({
    ...me(),
    ...known(product("gloves")),
    "POST /retrain": () => new Response(`id: t1/0\ndata: ${JSON.stringify(done)}\n\n`),
  });
  const onShow = vi.fn();
  await show(<Training onShow={onShow} />);
  await screen.findByText("Stored now: 1 products and series of bins, 420 rows.");
  await userEvent.click(screen.getByText("How the file is read and the models are made"));
  await userEvent.type(screen.getByLabelText("Product of the whole file"), "gloves");
  await userEvent.click(screen.getByRole("button", { name: "Train what is stored" }));
  await userEvent.click(await screen.findByRole("button", { name: "See the forecast" }));
  expect(onShow).toHaveBeenCalled();
  const sent = requests.find((request) => request.url.endsWith("/retrain"));
  expect((await sent?.formData())?.get("product")).toBe("gloves");
});

const plan = {
  from: "2026-11-23",
  days: 14,
  accepted_risk: 0.05,
  collections: [
    {
      bin: "b1",
      by: "fill",
      day: "2026-11-24",
      risk: 0.31,
      fill: 0.8,
      per_day: 0.1,
      expected_fill: 0.95,
      collect_from: 0.7,
      overdue: true,
    },
    {
      bin: "b2",
      by: "fill",
      day: null,
      risk: 0.01,
      fill: 0.1,
      per_day: 0.01,
      expected_fill: 0.2,
      collect_from: 0.9,
      overdue: false,
    },
  ],
  unplanned: [{ bin: "b3", reason: "it has no fill sensor" }],
};

it("plans the collections by day, on the terms that are chosen", async () => {
  const requests = answering({ "GET /api/v1/forecast/plan": () => plan, "GET /api/v1/bins": () => [] });
  await show(<Plan />);
  await screen.findByRole("heading", { name: "Tuesday, 24 Nov 2026" });
  expect(screen.getByText("Overdue")).toBeTruthy();
  expect(screen.getByRole("heading", { name: "Not within 14 days" })).toBeTruthy();
  expect(screen.getByText(/it has no fill sensor/)).toBeTruthy();
  await userEvent.click(screen.getByLabelText("Mon"));
  const file = () => screen.getByRole("link", { name: /iCalendar/ }).getAttribute("href");
  await waitFor(() => expect(file()).toContain("weekdays=monday&format=ics"));
  await waitFor(() => expect(requests.some(({ url }) => url.includes("weekdays=monday"))).toBe(true));
});

it("says what a plan takes while no bin tells its fill, and why there is none", async () => {
  let answer: () => unknown = () => ({ ...plan, collections: [], unplanned: [] });
  answering({ "GET /api/v1/forecast/plan": () => answer(), "GET /api/v1/bins": () => [] });
  const { unmount } = await show(<Plan />);
  await screen.findByText("No bin tells its fill yet");
  unmount();
  answer = () => problem(422, "out-of-range", "a plan is for 1 to 60 days");
  await show(<Plan />);
  await screen.findByText("a plan is for 1 to 60 days");
});
