// Files are judged by what they are, not by what they are called.

import { expect, it } from "vitest";
import { examine, kindOf } from "./imageFile";

const mostBytes = 1000;

const bytes = (...parts: (string | number)[]) =>
  new Uint8Array(parts.flatMap((part) => (typeof part === "number" ? [part] : [...part].map((c) => c.charCodeAt(0)))));

it.each([
  ["jpeg", bytes(0xff, 0xd8, 0xff, 0xe0)],
  ["png", bytes(0x89, "PNG\r\n", 0x1a, "\n")],
  ["heic", bytes(0, 0, 0, 24, "ftypheic")],
  ["heic", bytes(0, 0, 0, 24, "ftypmif1")],
  ["avif", bytes(0, 0, 0, 24, "ftypavif")],
  ["webp", bytes("RIFF", 1, 2, 3, 4, "WEBP")],
  ["gif", bytes("GIF89a")],
  ["tiff", bytes("II*", 0)],
  ["unknown", bytes(0, 0, 0, 24, "ftypisom")],
  ["unknown", bytes("This is text")],
  ["unknown", bytes()],
])("%s", (kind, head) => expect(kindOf(head)).toBe(kind));

it.each([
  ["a JPEG", bytes(0xff, 0xd8, 0xff, 0xe0), null],
  ["nothing", bytes(), "empty"],
  ["text", bytes("This is text named .jpg"), "notImage"],
  ["HEIC", bytes(0, 0, 0, 24, "ftypheic", 0, 0, 0, 0), "heic"],
  ["GIF", bytes("GIF89a"), "otherFormat"],
])("%s is judged before it is sent", async (_, content, finding) => {
  expect(await examine(new File([content], "photo.jpg", { type: "image/jpeg" }), mostBytes)).toBe(finding);
});

it("a photo over the limit is too large", async () => {
  const photo = new File([bytes(0xff, 0xd8, 0xff, 0xe0)], "photo.jpg");
  Object.defineProperty(photo, "size", { value: mostBytes + 1, configurable: true });
  expect(await examine(photo, mostBytes)).toBe("tooLarge");
  expect(await examine(photo, undefined)).toBeNull();
  Object.defineProperty(photo, "size", { value: mostBytes });
  expect(await examine(photo, mostBytes)).toBeNull();
});
