// What the address says becomes the question, and what it should not say does no harm.

import { describe, expect, it } from "vitest";
import { countOf, questionOf } from "./filter";

describe("questionOf", () => {
  it("asks for nothing in particular without a filter", () => {
    expect(questionOf({ part: "find" })).toEqual({});
  });

  it("tells samples without a label from a label", () => {
    expect(questionOf({ label: "?" })).toEqual({ unlabelled: true });
    expect(questionOf({ label: "glass" })).toEqual({ label: "glass" });
  });

  it("takes the last day as a whole", () => {
    const { from_ms, to_ms } = questionOf({ from: "2026-11-23", to: "2026-11-23" });
    expect((to_ms ?? 0) - (from_ms ?? 0)).toBe(24 * 3600 * 1000);
    expect(from_ms).toBe(new Date(2026, 10, 23).getTime());
  });

  it("turns percent into shares", () => {
    expect(questionOf({ unsureFrom: "25", unsureTo: "80" })).toEqual({ unsure_from: 0.25, unsure_to: 0.8 });
  });

  it("leaves out what is no value", () => {
    expect(questionOf({ from: "yesterday", unsureFrom: "200", unsureTo: "much", sort: "size", suspect: "no" })).toEqual(
      {},
    );
  });
});

it("counts filters, and the order of samples is none", () => {
  expect(countOf({ part: "find", sort: "unsure" })).toBe(0);
  expect(countOf({ part: "find", label: "glass", suspect: "true" })).toBe(2);
});
