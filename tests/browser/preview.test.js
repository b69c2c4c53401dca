// The bin's preview in a real Chromium, on the drawn bin: what whoever installs a bin does and sees.
// Screenshots at two widths, light and dark, are left in target/screenshots.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { looksRight, openBrowser, program, removeFolder, repository, start, stop, temporaryFolder } from "./stage.js";

let bin, folder, browser, page, complaints;

before(async () => {
  folder = temporaryFolder();
  bin = await startPreview();
  ({ browser, page, complaints } = await openBrowser());
  await page.goto(bin.found[0]);
});

after(async () => {
  await browser?.close();
  await stop(bin);
  removeFolder(folder);
});

test("a wrong code is refused in words, the one from the log opens the page", async () => {
  await looksRight(page, "preview-enter");
  await page.getByLabel("Code").fill("0000-0000");
  await page.getByRole("button", { name: "Enter" }).click();
  await page.getByText("That is not the code").waitFor();
  await page.getByLabel("Code").fill(code().toLowerCase());
  await page.getByRole("button", { name: "Enter" }).click();
  await page.getByRole("heading", { name: "Live picture" }).waitFor();
});

test("the picture moves and items appear", async () => {
  await page.waitForFunction(() => document.getElementById("live").naturalWidth > 0);
  const shot = async () => (await page.locator("#picture").screenshot()).toString("base64");
  const first = await shot();
  await page.waitForFunction(() => document.querySelectorAll("#items > li").length >= 2);
  assert.notEqual(await shot(), first);
  await page.waitForFunction(() => document.querySelector("#items img").naturalWidth > 0);
});

test("a region is drawn with the mouse, holds at once and is told as a line of the configuration", async () => {
  await page.locator("#picture").scrollIntoViewIfNeeded();
  const box = await page.locator("#picture").boundingBox();
  const at = (x, y) => [box.x + box.width * x, box.y + box.height * y];
  await page.mouse.move(...at(0.2, 0.25));
  await page.mouse.down();
  await page.mouse.move(...at(0.5, 0.5), { steps: 4 });
  await page.mouse.move(...at(0.8, 0.9), { steps: 4 });
  await page.mouse.up();
  await page.getByRole("button", { name: "Try it" }).click();
  const line = /^\[trigger\]\nregion = \[(0\.\d+), (0\.\d+), (0\.\d+), (0\.\d+)\]\n$/;
  await page.waitForFunction(() => document.getElementById("toml").textContent !== "");
  const toml = await page.locator("#toml").textContent();
  const shares = toml.match(line)?.slice(1).map(Number);
  assert.ok(shares, toml);
  [0.2, 0.25, 0.6, 0.65].forEach((share, index) => assert.ok(Math.abs(shares[index] - share) < 0.02, toml));
  await page.waitForFunction(async () => (await (await fetch("/state")).json()).region.startsWith("[0.2") || null);
});

test("a region is typed, and one that is none is refused", async () => {
  await page.getByLabel("Left %").fill("10");
  await page.getByLabel("Width %").fill("80");
  await page.getByRole("button", { name: "Try it" }).click();
  await page.waitForFunction(() => document.getElementById("toml").textContent.includes("[0.100"));
  const refused = await page.evaluate(async () => {
    const headers = { "Content-Type": "application/json" };
    return (await fetch("/region", { method: "POST", headers, body: "[0.5, 0, 0.9, 1]" })).status;
  });
  assert.equal(refused, 422);
});

test("the page is accessible and fits at every width, light and dark", async () => {
  await looksRight(page, "preview");
});

test("nobody without the code sees anything", async () => {
  const stranger = await browser.newPage();
  for (const path of ["/live", "/state", "/items/1.jpg"]) {
    const answer = await stranger.request.get(new URL(path, page.url()).href);
    assert.equal(answer.status(), 401, path);
  }
  await stranger.close();
});

test("nothing complained in the console", () => {
  assert.deepEqual(complaints, []);
});

/** The newest code in the log. */
function code() {
  return [...bin.output.matchAll(/code="?([0-9A-Z]{4}-[0-9A-Z]{4})/g)].at(-1)[1];
}

/** Starts the preview of a drawn bin; the first thing found is its address. */
function startPreview() {
  const configuration = join(folder, "edge.toml");
  writeFileSync(configuration, `version = 1
data_dir = ${JSON.stringify(join(folder, "data"))}
[bin]
id = "b1"
[camera]
kind = "virtual"
item_every_s = 3.0
[model]
bundle = ${JSON.stringify(join(repository, "models/default"))}
[mqtt]
url = "mqtt://127.0.0.1:1"
`);
  return start(program("pilah-edge"), ["preview", "--config", configuration, "--listen", "127.0.0.1:0"], [
    /preview url=(\S+) code=/,
  ]);
}
