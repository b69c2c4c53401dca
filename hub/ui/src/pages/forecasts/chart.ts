// A forecast as lines and a band over time.

import type { Band, Line } from "../../components/LineChart";
import type { Forecast } from "./queries";

/** Steps of history that are shown at least, and for each step of the forecast, unless all are asked for. */
const LEAST_PAST = 60;
const PAST_PER_STEP = 3;

const colours: Record<string, string> = {
  ensemble: "leaf",
  prophet: "blue",
  lstm: "violet",
  smoothing: "orange",
  naive: "gray",
  intermittent: "pink",
};

/** The colour of a model, by Mantine's names. */
export function modelColour(model: string): string {
  return colours[model] ?? "cyan";
}

/** A date as the hub writes it, in milliseconds since 1970: midnight here, so that it is shown as that day. */
export function msOf(date: string): number {
  return new Date(date.length === 10 ? `${date}T00:00:00` : date).getTime();
}

/** The models of a forecast, all together first, the one to beat last. */
export function modelsOf(forecast: Pick<Forecast, "forecast">): string[] {
  const place = (model: string) => (model === "ensemble" ? 0 : model === "naive" ? 2 : 1);
  return Object.keys(forecast.forecast).sort((a, b) => place(a) - place(b) || a.localeCompare(b));
}

/** Names of lines. */
export interface Names {
  history: string;
  upper: string;
  lower: string;
  model: (model: string) => string;
}

export interface ChartData {
  x: number[];
  lines: Line[];
  bands: Band[];
}

/**
 * The history, the chosen models, and the interval of the first of them.
 *
 * @param whole the whole history rather than its end
 */
export function chartOf(forecast: Forecast, chosen: readonly string[], whole: boolean, names: Names): ChartData {
  const steps = forecast.dates.length;
  const past = forecast.history.dates.length;
  const shown = whole ? past : Math.min(past, Math.max(LEAST_PAST, PAST_PER_STEP * steps));
  const x = [...forecast.history.dates.slice(past - shown), ...forecast.dates].map(msOf);
  const before: null[] = Array.from({ length: shown }, () => null);
  const after: null[] = Array.from({ length: steps }, () => null);
  const ahead = (values: number[]) => [...before, ...values];

  const lines: Line[] = [
    { label: names.history, values: [...forecast.history.values.slice(past - shown), ...after], colour: "gray" },
  ];
  const bands: Band[] = [];
  const models = modelsOf(forecast).filter((model) => chosen.includes(model));
  for (const model of models) {
    const band = forecast.forecast[model];
    if (!band) continue;
    lines.push({
      label: names.model(model),
      values: ahead(band.mean),
      colour: modelColour(model),
      dashed: model === "naive",
    });
    if (model !== models[0]) continue;
    lines.push({ label: names.upper, values: ahead(band.upper), colour: modelColour(model), dashed: true });
    lines.push({ label: names.lower, values: ahead(band.lower), colour: modelColour(model), dashed: true });
    bands.push({ upper: lines.length - 2, lower: lines.length - 1, colour: modelColour(model) });
  }
  return { x, lines, bands };
}
