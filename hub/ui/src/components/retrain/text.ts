// Texts of the component, which carries its catalogues with it: it needs no other part of a dashboard.

import en from "./en.json";
import type { TrainingEvent } from "./events";
import { figure } from "./events";
import id from "./id.json";

const catalogues = { en, id };

/** A language that the component speaks. */
export type RetrainLanguage = keyof typeof catalogues;

/** Gives the text of a key. */
export type RetrainText = (key: keyof typeof en, values?: Record<string, string | number>) => string;

/** The texts of a language; numbers are written as it writes them. */
export function textsOf(language: RetrainLanguage): RetrainText {
  const format = new Intl.NumberFormat(language === "id" ? "id-ID" : "en-GB", { maximumSignificantDigits: 4 });
  const whole = new Intl.NumberFormat(language === "id" ? "id-ID" : "en-GB");
  const write = (value: string | number | undefined) =>
    typeof value === "number" ? (Number.isInteger(value) ? whole : format).format(value) : (value ?? "");
  return (key, values = {}) =>
    catalogues[language][key].replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => write(values[name]));
}

/** What an event says, in the reader's language; a stage that is not known keeps the server's words. */
export function describe(event: TrainingEvent, text: RetrainText): string {
  const value = (name: string) => figure(event, name) ?? 0;
  switch (event.stage) {
    case "validated":
      return text(value("added_up") > 0 ? "validatedAdded" : "validated", {
        good: value("good"),
        rows: value("rows"),
        added: value("added_up"),
      });
    case "merged":
      return text("merged", { added: value("new"), updated: value("updated"), unchanged: value("unchanged") });
    case "prophet":
      return text("prophet");
    case "lstm":
      return text("lstm", { epoch: value("epoch"), epochs: value("epochs"), loss: value("loss") });
    case "products":
      return text("products", { done: value("done"), of: value("of") });
    case "saved":
      return text("saved", { kilobytes: Math.ceil(value("bytes") / 1000) });
    case "result":
      return text("result");
    case "cancelled":
      return text("cancelled");
    default:
      return event.message;
  }
}
