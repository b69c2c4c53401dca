// What the forecast pages ask of the hub. All keys begin with `forecast`: a training makes all of it stale.

import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { at } from "../../api/base";
import { api, type Schemas, unwrap } from "../../api/client";

/** What is answered. */
export type Forecast = Schemas["ForecastView"];

/** A product with what is known of it. */
export type Product = Schemas["ForecastProduct"];

/** What is asked; what is null is left to the hub. */
export interface Question {
  product_id: string | null;
  days: number;
  service_level: number | null;
  lead_time_days: number | null;
  on_hand: number | null;
  level: number | null;
  store: string | null;
  category: string | null;
  from: string | null;
  to: string | null;
  /** How Prophet's trend grows; `logistic` takes a capacity. */
  growth: "linear" | "flat" | "logistic" | null;
  capacity: number | null;
  floor: number | null;
  seasonality: "additive" | "multiplicative" | null;
}

/** The forecast of the total, 30 days ahead. */
export const firstQuestion: Question = {
  product_id: null,
  days: 30,
  service_level: 0.95,
  lead_time_days: null,
  on_hand: null,
  level: 0.8,
  store: null,
  category: null,
  from: null,
  to: null,
  growth: null,
  capacity: null,
  floor: null,
  seasonality: null,
};

/** The question without what is empty: the hub takes its own values there. */
export function asked(question: Question): Record<string, string | number> {
  // Growth up to a capacity is asked for once that is known, and only such growth has a capacity and a floor.
  const grows = question.growth === "logistic" && question.capacity !== null;
  const trend = {
    growth: question.growth === "logistic" && !grows ? null : question.growth,
    capacity: grows ? question.capacity : null,
    floor: grows ? question.floor : null,
  };
  const given = Object.entries({ ...question, ...trend })
    .map(([name, value]) => [name, typeof value === "string" ? value.trim() : value])
    .filter(([, value]) => value !== null && value !== "");
  return Object.fromEntries(given);
}

export const products = queryOptions({
  queryKey: ["forecast", "products"],
  queryFn: async () => (await unwrap(api.GET("/api/v1/forecast/products"))).products,
});

export const forecastOf = (question: Question) =>
  queryOptions({
    queryKey: ["forecast", "of", question],
    queryFn: ({ signal }) =>
      unwrap(api.POST("/forecast", { body: asked(question) as unknown as Schemas["ForecastQuestion"], signal })),
    placeholderData: keepPreviousData,
    staleTime: 60_000,
  });

/** The days of the week, as the hub names them. */
export const weekdays = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] as const;

/** What a plan of collections is made for. */
export interface PlanTerms {
  days: number;
  /** The accepted probability of an overflow. */
  risk: number;
  /** Days on which trucks go; all if empty. */
  weekdays: readonly string[];
}

/** The terms as the hub takes them. */
export function planQuery({ days, risk, weekdays: chosen }: PlanTerms) {
  return { days, accepted_risk: risk, ...(chosen.length > 0 && { weekdays: chosen.join(",") }) };
}

/** Where the plan is as a file. */
export function planFile(terms: PlanTerms, format: "csv" | "ics"): string {
  const query = Object.entries({ ...planQuery(terms), format }).map(([name, value]) => [name, String(value)]);
  return at(`/api/v1/forecast/plan?${new URLSearchParams(query)}`);
}

export const planOf = (terms: PlanTerms) =>
  queryOptions({
    queryKey: ["forecast", "plan", terms],
    // Without a `format`, it is JSON.
    queryFn: async () =>
      (await unwrap(
        api.GET("/api/v1/forecast/plan", { params: { query: planQuery(terms) } }),
      )) as Schemas["CollectionPlan"],
    placeholderData: keepPreviousData,
    staleTime: 60_000,
  });
