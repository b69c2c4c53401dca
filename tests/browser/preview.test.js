// The bin's preview in a real Chromium, on the drawn bin: what whoever installs a bin does and sees.
// Screenshots at two widths, light and dark, are left in target/screenshots.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const repository = join(dirname(fileURLToPath(import.meta.url)), "../..");
const target = process.env.CARGO_TARGET_DIR ?? join(repository, "target");
const screenshots = join(target, "screenshots");
const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const patience = 120_000;

let bin, folder, browser, page, output = "";
const complaints = [];

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "pilah-preview-"));
  mkdirSync(screenshots, { recursive: true });
  const { url } = await startPreview();
  const executablePath = ["/usr/bin/chromium", process.env.CHROMIUM].find((path) => path && existsSync(path));
  assert.ok(executablePath, "Chromium is needed: install Debian's package chromium, or name it in CHROMIUM");
  browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-background-networking"] });
  page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.setDefaultTimeout(patience);
  // The browser reports the refused code as well, which the page tells in words.
  page.on("console", (message) => message.type() === "error" && !/status of 401/.test(message.text()) && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(url);
});

after(async () => {
  await browser?.close();
  if (bin && bin.exitCode === null) {
    const ended = new Promise((resolve) => bin.once("exit", resolve));
    bin.kill("SIGTERM");
    await ended;
  }
  if (folder) rmSync(folder, { recursive: true, force: true });
});

test("a wrong code is refused in words, the one from the log opens the page", async () => {
  await fits("preview-enter");
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
  complaints.splice(0, complaints.length, ...complaints.filter((text) => !/status of 422/.test(text)));
});

test("the page is accessible and fits at every width, light and dark", async () => {
  await fits("preview");
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

/** Looks at the page at two widths, light and dark. */
async function fits(name) {
  for (const scheme of ["light", "dark"]) {
    for (const width of [1280, 390]) {
      await page.emulateMedia({ colorScheme: scheme });
      await page.setViewportSize({ width, height: 900 });
      const tooWide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      assert.ok(tooWide <= 0, `${scheme} ${width}: ${tooWide} pixels wider than the window`);
      await page.screenshot({ path: join(screenshots, `${name}-${scheme}-${width}.png`), fullPage: true });
      assert.deepEqual(await violations(), [], `${scheme} ${width}`);
    }
  }
  await page.setViewportSize({ width: 1280, height: 900 });
}

/** The accessibility rules that the page breaks, each with the elements. */
async function violations() {
  // By the debugger, because the page's own policy allows no foreign script.
  const session = await page.context().newCDPSession(page);
  await session.send("Runtime.evaluate", { expression: readFileSync(axe, "utf8") });
  const found = await page.evaluate(async () => (await window.axe.run()).violations);
  return found.map((violation) => `${violation.id}: ${violation.nodes.map((node) => node.html).join(" ")}`);
}

/** The newest code in the log. */
function code() {
  return [...output.matchAll(/code="?([0-9A-Z]{4}-[0-9A-Z]{4})/g)].at(-1)[1];
}

/** Starts the preview of a drawn bin and reads its address from what it prints. */
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
  bin = spawn(join(target, "debug/pilah-edge"), ["preview", "--config", configuration, "--listen", "127.0.0.1:0"], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  return new Promise((resolve, reject) => {
    const read = (chunk) => {
      output += chunk;
      const address = output.match(/preview url=(\S+) code=/);
      if (address) resolve({ url: address[1] });
    };
    bin.stdout.on("data", read);
    bin.stderr.on("data", read);
    bin.once("exit", (status) => reject(new Error(`the preview ended with ${status}:\n${output}`)));
    setTimeout(() => reject(new Error(`the preview printed no address:\n${output}`)), patience).unref();
  });
}
