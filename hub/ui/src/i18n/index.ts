// Two languages, switched while the page is open. Each page and component keeps its catalogues beside it
// (`en.json`, `id.json`) and gets its texts by `texts("name", { en, id })`.

import i18next from "i18next";
import { useCallback } from "react";
import { initReactI18next, useTranslation } from "react-i18next";

/** The languages there are. */
export const languages = ["en", "id"] as const;

/** One of [languages]. */
export type Language = (typeof languages)[number];

/** A catalogue: one text per key, `{{name}}` for values, `key_one` and `key_other` for counts. */
type Catalogue = Record<string, string>;

/** Keys as code names them: `items` for `items_one` and `items_other`. */
type Key<C> = keyof C extends infer K ? (K extends `${infer Base}_${"one" | "other"}` ? Base : K) : never;

/** Gives the text of a key in the present language. */
export type Text<C extends Catalogue> = (key: Key<C> & string, values?: Record<string, string | number>) => string;

const storageKey = "pilah-language";

function storedLanguage(): Language {
  try {
    const stored = localStorage.getItem(storageKey);
    if (languages.includes(stored as Language)) return stored as Language;
  } catch {
    // Storage is refused: the browser's language it is.
  }
  return navigator.language.toLowerCase().startsWith("id") ? "id" : "en";
}

void i18next.use(initReactI18next).init({
  lng: storedLanguage(),
  fallbackLng: "en",
  resources: {},
  showSupportNotice: false,
  keySeparator: false,
  nsSeparator: false,
  // React escapes what it shows.
  interpolation: { escapeValue: false },
});
document.documentElement.lang = i18next.language;

/** Switches the language, and remembers it in this browser. */
export async function speak(language: Language): Promise<void> {
  await i18next.changeLanguage(language);
  document.documentElement.lang = language;
  try {
    localStorage.setItem(storageKey, language);
  } catch {
    // It holds for this visit then.
  }
}

/** The present language. */
export function useLanguage(): Language {
  return useTranslation().i18n.language as Language;
}

/** Registers catalogues, and gives the hook that reads them. */
export function texts<C extends Catalogue>(
  namespace: string,
  catalogues: { en: C; id: { [K in keyof C]: string } },
): () => Text<C> {
  for (const language of languages) {
    i18next.addResourceBundle(language, namespace, catalogues[language]);
  }
  // A hook made by a function: called once per module, never while rendering
  return function useText() {
    const { t } = useTranslation(namespace);
    return useCallback((key, values) => t(key, { ...values }), [t]);
  };
}
