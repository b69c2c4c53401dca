// Texts of the fleet pages.

import { type Text, texts } from "../../i18n";
import en from "./en.json";
import id from "./id.json";

export const useFleetText = texts("fleet", { en, id });

/** Gives the text of a key. */
export type FleetText = Text<typeof en>;
