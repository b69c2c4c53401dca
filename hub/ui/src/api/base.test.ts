// A hub under a path is asked under that path, and every address of this page is written so.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { at, base, baseOf, pathOf } from "./base";

it("finds the path that the page is under", () => {
  expect(baseOf("https://example.org/pilah/")).toBe("/pilah/");
  expect(baseOf("http://127.0.0.1:8080/")).toBe("/");
  expect(base).toBe("/");
});

it("puts the path before what it asks for, and takes it off again", () => {
  for (const under of ["/", "/pilah/", "/a/b/"]) {
    const address = at("/api/v1/me", under);
    expect(address).toBe(`${under}api/v1/me`);
    expect(pathOf(`https://example.org${address}?x=1`, under)).toBe("/api/v1/me");
  }
});

it("writes no address that begins at the root of the host", () => {
  const folder = join(import.meta.dirname, "..");
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const sources = files.filter((file) => /(?<!test|schema\.d)\.tsx?$/.test(file) && !file.startsWith("testing"));
  expect(sources.length).toBeGreaterThan(100);
  // Attributes, streams and pages that a browser opens by themselves; the client puts the path before all others.
  const absolute = /(?:href|src|endpoint)=(?:"\/|\{`\/)|EventSource\("|location\.assign\("|(?:return|=>) `\/api/;
  const code = (file: string) => readFileSync(join(folder, file), "utf8").replaceAll(/^\s*(?:\/\/|\*).*$/gm, "");
  const found = sources.filter((file) => absolute.test(code(file)));
  expect(found).toEqual([]);
});

it("names what is beside the page without a framework relative to it", () => {
  const html = readFileSync(join(import.meta.dirname, "../../public/retrain.html"), "utf8");
  const addresses = [...html.matchAll(/(?:href|src)="([^"]*)"/g)].map((match) => match[1]);
  expect(addresses.length).toBeGreaterThan(4);
  expect(addresses.filter((address) => address?.startsWith("/"))).toEqual([]);
});
