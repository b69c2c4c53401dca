// A forecast becomes lines of one length, with the band around the first model that is shown.

import { expect, it } from "vitest";
import type { Schemas } from "../../api/client";
import { chartOf, modelsOf, msOf } from "./chart";
import { byDay } from "./Plan";
import type { Forecast } from "./queries";
import { asked, firstQuestion, planFile } from "./queries";
import { sampleCsv } from "./sample";
import { warningParts } from "./Warnings";

const day = (at: number) => new Date(Date.UTC(2026, 0, 1 + at)).toISOString().slice(0, 10);
const band = { mean: [1, 2], lower: [0, 1], upper: [2, 3] };
const forecast = {
  history: {
    dates: Array.from({ length: 200 }, (_, at) => day(at)),
    values: Array.from({ length: 200 }, (_, at) => at),
  },
  dates: [day(200), day(201)],
  forecast: { naive: band, lstm: band, ensemble: band, prophet: band },
} as unknown as Forecast;
const names = { history: "History", upper: "Upper", lower: "Lower", model: (model: string) => model };

it("shows the end of the history, then what is expected with its interval", () => {
  const { x, lines, bands } = chartOf(forecast, ["ensemble", "naive"], false, names);
  expect(x).toHaveLength(62);
  expect(x[60]).toBe(new Date(2026, 6, 20).getTime());
  expect(lines.map((line) => [line.label, line.values.length])).toEqual([
    ["History", 62],
    ["ensemble", 62],
    ["Upper", 62],
    ["Lower", 62],
    ["naive", 62],
  ]);
  expect(lines[0]?.values.slice(58)).toEqual([198, 199, null, null]);
  expect(lines[1]?.values.slice(58)).toEqual([null, null, 1, 2]);
  expect(bands).toEqual([{ upper: 2, lower: 3, colour: "leaf" }]);
});

it("shows the whole history when asked, and history alone when no model is chosen", () => {
  const { x, lines, bands } = chartOf(forecast, [], true, names);
  expect([x.length, lines.length, bands.length]).toEqual([202, 1, 0]);
});

it("puts all together first and the one to beat last", () => {
  expect(modelsOf(forecast)).toEqual(["ensemble", "lstm", "prophet", "naive"]);
});

it("reads days and times", () => {
  expect(msOf("2026-02-03")).toBe(new Date(2026, 1, 3).getTime());
  expect(msOf("2026-02-03T04:05:00")).toBe(new Date(2026, 1, 3, 4, 5).getTime());
});

it("leaves out what is not asked", () => {
  expect(asked({ ...firstQuestion, store: " ", on_hand: 0 })).toEqual({
    days: 30,
    service_level: 0.95,
    level: 0.8,
    on_hand: 0,
  });
});

it("asks for growth up to a capacity once that is known", () => {
  const logistic = { ...firstQuestion, growth: "logistic" as const, floor: 1 };
  expect(asked(logistic)).toEqual(asked(firstQuestion));
  expect(asked({ ...logistic, capacity: 9 })).toMatchObject({ growth: "logistic", capacity: 9, floor: 1 });
  expect(asked({ ...logistic, growth: "flat", capacity: 9 })).toEqual({ ...asked(firstQuestion), growth: "flat" });
});

it("knows the kinds of warnings", () => {
  expect(warningParts("too little data: 30 values")).toEqual({ kind: "too little data", words: "30 values" });
  expect(warningParts("the sky is falling: soon")).toEqual({ kind: null, words: "the sky is falling: soon" });
});

it("makes a sample with a row per day and product up to the last day", () => {
  const lines = sampleCsv(Date.UTC(2026, 10, 22))
    .trimEnd()
    .split("\r\n");
  expect(lines).toHaveLength(1 + 2 * 180);
  expect(lines.at(-1)).toMatch(/^2026-11-22,gloves,\d+,108,5$/);
  expect(new Set(lines.map((line) => line.split(",").length))).toEqual(new Set([5]));
});

it("puts collections under their days, and those that can wait last", () => {
  const collection = (bin: string, day: string | null) => ({ bin, day }) as Schemas["Collection"];
  const list = [
    collection("a", null),
    collection("b", "2026-12-02"),
    collection("c", "2026-11-30"),
    collection("d", "2026-12-02"),
  ];
  expect(byDay(list).map(([day, found]) => [day, found.map(({ bin }) => bin).join("")])).toEqual([
    ["2026-11-30", "c"],
    ["2026-12-02", "bd"],
    [null, "a"],
  ]);
});

it("names the file of a plan by its terms", () => {
  const terms = { days: 7, risk: 0.1, weekdays: ["monday", "thursday"] };
  expect(planFile(terms, "ics")).toBe(
    "/api/v1/forecast/plan?days=7&accepted_risk=0.1&weekdays=monday%2Cthursday&format=ics",
  );
  expect(planFile({ ...terms, weekdays: [] }, "csv")).toBe("/api/v1/forecast/plan?days=7&accepted_risk=0.1&format=csv");
});
