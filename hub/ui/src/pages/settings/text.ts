// Texts of the settings.

import { type Text, texts } from "../../i18n";
import en from "./en.json";
import id from "./id.json";

export const useSettingsText = texts("settings", { en, id });

/** Gives the text of a key. */
export type SettingsText = Text<typeof en>;

/** The text of a key that the hub names, or null if there is none: a newer hub may name more. */
export function textOf(text: SettingsText, key: string): string | null {
  return key in en ? text(key as keyof typeof en) : null;
}
