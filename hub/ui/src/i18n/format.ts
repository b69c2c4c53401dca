// Numbers, shares, sizes and times as the present language writes them.

import { useMemo } from "react";
import { type Language, useLanguage } from ".";

const locales: Record<Language, string> = { en: "en-GB", id: "id-ID" };

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How a language writes things. */
export function formats(language: Language) {
  const locale = locales[language];
  const number = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
  const decimal = new Intl.NumberFormat(locale, { maximumFractionDigits: 2 });
  const percent = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 0 });
  const finePercent = new Intl.NumberFormat(locale, {
    style: "percent",
    minimumFractionDigits: 1,
    maximumFractionDigits: 1,
  });
  const points = new Intl.NumberFormat(locale, { signDisplay: "exceptZero", maximumFractionDigits: 1 });
  const date = new Intl.DateTimeFormat(locale, { dateStyle: "medium" });
  const time = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
  const clock = new Intl.DateTimeFormat(locale, { timeStyle: "medium" });
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
  return {
    /** A whole number. */
    number: (value: number) => number.format(value),
    /** A number with up to two places. */
    decimal: (value: number) => decimal.format(value),
    /** A share of 0 to 1, in whole percent. */
    percent: (share: number) => percent.format(share),
    /** A share of 0 to 1, in tenths of a percent. */
    finePercent: (share: number) => finePercent.format(share),
    /** A difference of shares, −1 to 1, in percentage points with its sign. */
    points: (difference: number) => points.format(100 * difference),
    /** A day, of milliseconds since 1970. */
    date: (ms: number) => date.format(ms),
    /** Day and minute, of milliseconds since 1970. */
    time: (ms: number) => time.format(ms),
    /** Hour, minute and second, of milliseconds since 1970. */
    clock: (ms: number) => clock.format(ms),
    /** How long before `now` something was, both in milliseconds since 1970. */
    ago: (ms: number, now: number = Date.now()) => {
      const past = ms - now;
      const distance = Math.abs(past);
      if (distance < MINUTE) return relative.format(Math.round(past / 1000), "second");
      if (distance < HOUR) return relative.format(Math.round(past / MINUTE), "minute");
      if (distance < DAY) return relative.format(Math.round(past / HOUR), "hour");
      return relative.format(Math.round(past / DAY), "day");
    },
    /** A time span in milliseconds, as `4.2s` or `3m`. */
    duration: (ms: number) => {
      const unit = (value: number, name: string, digits: number) =>
        new Intl.NumberFormat(locale, {
          style: "unit",
          unit: name,
          unitDisplay: "narrow",
          maximumFractionDigits: digits,
        }).format(value);
      if (ms < 1000) return unit(ms, "millisecond", 0);
      if (ms < MINUTE) return unit(ms / 1000, "second", 1);
      if (ms < HOUR) return unit(ms / MINUTE, "minute", 0);
      return unit(ms / HOUR, "hour", 1);
    },
    /** A size in bytes. */
    bytes: (bytes: number) => {
      const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
      const step = Math.min(units.length - 1, bytes > 0 ? Math.floor(Math.log10(bytes) / 3) : 0);
      return new Intl.NumberFormat(locale, {
        style: "unit",
        unit: units[step],
        unitDisplay: "short",
        maximumFractionDigits: step === 0 ? 0 : 1,
      }).format(bytes / 1000 ** step);
    },
  };
}

/** [formats] of the present language. */
export function useFormat(): ReturnType<typeof formats> {
  const language = useLanguage();
  return useMemo(() => formats(language), [language]);
}
