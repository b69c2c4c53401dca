// Texts of the forecast pages.

import { type Text, texts } from "../../i18n";
import en from "./en.json";
import id from "./id.json";

export const useForecastText = texts("forecasts", { en, id });

/** Gives the text of a key. */
export type ForecastText = Text<typeof en>;

/** The models whose names are known. */
const models = ["ensemble", "prophet", "lstm", "smoothing", "naive", "intermittent"] as const;

/** What a model is called; one that is not known keeps its own name. */
export function modelName(text: ForecastText, model: string): string {
  return (models as readonly string[]).includes(model) ? text(model as (typeof models)[number]) : model;
}
