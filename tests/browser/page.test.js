// The hub's page in a real Chromium, on the demo with its virtual bins: what an operator does and sees.
// Screenshots at two widths, light and dark, are left in target/screenshots.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
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

let demo, folder, url, password, browser, page;
const complaints = [];

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "pilah-browser-"));
  mkdirSync(screenshots, { recursive: true });
  ({ url, password } = await startDemo());
  const executablePath = ["/usr/bin/chromium", process.env.CHROMIUM].find((path) => path && existsSync(path));
  assert.ok(executablePath, "Chromium is needed: install Debian's package chromium, or name it in CHROMIUM");
  browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-background-networking"] });
  page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.setDefaultTimeout(patience);
  // The browser reports refusals (not logged in, too few labels) as well, which the page tells in words.
  const refusal = /status of (401|409|422)/;
  page.on("console", (message) => message.type() === "error" && !refusal.test(message.text()) && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
});

after(async () => {
  await browser?.close();
  if (demo && demo.exitCode === null) {
    const ended = new Promise((resolve) => demo.once("exit", resolve));
    demo.kill("SIGTERM");
    await ended;
  }
  if (folder) rmSync(folder, { recursive: true, force: true });
});

test("a wrong password is refused in words, the right one opens the page", async () => {
  await page.goto(url);
  await page.getByLabel("Name").fill("admin");
  await page.getByLabel("Password").fill("not the password");
  await page.getByRole("button", { name: "Log in" }).click();
  await page.locator("#login-error").waitFor();

  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("heading", { name: "Live items" }).waitFor();
  assert.ok(await page.locator("#demo").isVisible(), "the page says that bins and items are virtual");
});

test("bins come online and items arrive while one looks", async () => {
  await page.waitForFunction(() => document.querySelectorAll("#bins > li").length === 3);
  const items = () => page.locator("#feed > li").count();
  await page.waitForFunction(() => document.querySelectorAll("#feed > li").length >= 3);
  const seen = await items();
  await page.waitForFunction((n) => document.querySelectorAll("#feed > li").length > n, seen);
});

test("a training is started by hand and shows how far it is", async () => {
  // Until the oracle has labelled enough of every class, the hub says what is missing.
  const status = () => page.evaluate(async () => (await fetch("/api/training-status")).json());
  while ((await status()).id === null) {
    await page.getByRole("button", { name: "Train a new model" }).click();
    await page.waitForTimeout(2000);
  }
  await page.waitForFunction(async () => {
    const status = await (await fetch("/api/training-status")).json();
    return !status.in_progress && status.progress === 100;
  }, null, { polling: 500 });
  await page.waitForFunction(() => document.querySelector("#training-chart svg") !== null);
});

test("the page is accessible and fits at every width, light and dark", async () => {
  for (const scheme of ["light", "dark"]) {
    for (const width of [1280, 390]) {
      await page.emulateMedia({ colorScheme: scheme });
      await page.setViewportSize({ width, height: 900 });
      const tooWide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      assert.ok(tooWide <= 0, `${scheme} ${width}: ${tooWide} pixels wider than the window`);
      await page.screenshot({ path: join(screenshots, `page-${scheme}-${width}.png`), fullPage: true });
      assert.deepEqual(await violations(), [], `${scheme} ${width}`);
    }
  }
});

test("nothing complained in the console", () => {
  assert.deepEqual(complaints, []);
});

/** The accessibility rules that the page breaks, each with the elements. */
async function violations() {
  // By the debugger, because the page's own policy allows no foreign script.
  const session = await page.context().newCDPSession(page);
  await session.send("Runtime.evaluate", { expression: readFileSync(axe, "utf8") });
  const found = await page.evaluate(async () => (await window.axe.run()).violations);
  return found.map((violation) => `${violation.id}: ${violation.nodes.map((node) => node.html).join(" ")}`);
}

/** Starts the demo and reads address and password from what it prints. */
function startDemo() {
  const program = (name) => join(target, "debug", name);
  demo = spawn(
    program("pilah-hub"),
    ["demo", "--data", join(folder, "data"), "--edge-program", program("pilah-edge")],
    { cwd: repository, stdio: ["ignore", "pipe", "pipe"] },
  );
  return new Promise((resolve, reject) => {
    let output = "";
    const read = (chunk) => {
      output += chunk;
      const address = output.match(/Dashboard:\s+(\S+)/);
      const secret = output.match(/password:\s+(\S+)/);
      if (address && secret) resolve({ url: address[1], password: secret[1] });
    };
    demo.stdout.on("data", read);
    demo.stderr.on("data", read);
    demo.once("exit", (code) => reject(new Error(`the demo ended with ${code}:\n${output}`)));
    setTimeout(() => reject(new Error(`the demo printed no login:\n${output}`)), patience).unref();
  });
}
