// Ranges, toggles and keys choose what they do in file managers.

import { expect, it } from "vitest";
import { chosenOf, move, nothing, pick, pickAll } from "./selection";

const ids = ["a", "b", "c", "d", "e", "f"];
const chosen = (selection: typeof nothing) => chosenOf(selection, ids).join("");

it("toggles one, and takes a range from the last one", () => {
  const one = pick(nothing, ids, "b", false);
  expect(chosen(one)).toBe("b");
  expect(chosen(pick(one, ids, "b", false))).toBe("");
  expect(chosen(pick(one, ids, "e", true))).toBe("bcde");
  expect(chosen(pick(pick(nothing, ids, "e", false), ids, "c", true))).toBe("cde");
});

it("takes a range without a beginning for one", () => {
  expect(chosen(pick(nothing, ids, "d", true))).toBe("d");
  const answered = pick(nothing, ids, "a", false);
  expect(chosenOf(pick(answered, ids.slice(1), "c", true), ids.slice(1)).join("")).toBe("c");
});

it("chooses a group, and leaves it when it was chosen", () => {
  const group = pickAll(pick(nothing, ids, "f", false), ["a", "b"]);
  expect(chosen(group)).toBe("abf");
  expect(chosen(pickAll(group, ["a", "b"]))).toBe("f");
});

it("goes with the keys, and chooses what it passes with shift", () => {
  const first = move(nothing, ids, 1, false);
  expect(first.focus).toBe("a");
  expect(move(first, ids, -3, false).focus).toBe("a");
  expect(move(first, ids, 99, false).focus).toBe("f");
  expect(chosen(move(move(first, ids, 1, true), ids, 1, true))).toBe("abc");
  expect(move(nothing, [], 1, true)).toBe(nothing);
});
