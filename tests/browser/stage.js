// The stage for tests in a real Chromium: programs to look at, a browser to look with, and what every page must keep.
//
// A test of the dashboard starts a demo of its own. To try a test against a hub that runs already, such as one behind
// `npm run dev`, name it in PILAH_BROWSER_URL, and the administrator's password in PILAH_BROWSER_PASSWORD.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

export const repository = join(dirname(fileURLToPath(import.meta.url)), "../..");

/** How long anything may take on a busy machine, in milliseconds. */
export const patience = 120_000;

const target = process.env.CARGO_TARGET_DIR ?? join(repository, "target");
const screenshots = join(target, "screenshots");
const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

/** The path of a program that `cargo build` made. */
export const program = (name) => join(target, "debug", name);

/** A folder for one test file. */
export function temporaryFolder() {
  return mkdtempSync(join(tmpdir(), "pilah-browser-"));
}

export function removeFolder(folder) {
  if (folder) rmSync(folder, { recursive: true, force: true });
}

/**
 * Starts a program and waits until it has printed what `patterns` look for.
 *
 * @returns its process, all that it printed so far, and the first group of each pattern
 */
export function start(command, args, patterns) {
  const process = spawn(command, args, { cwd: repository, stdio: ["ignore", "pipe", "pipe"] });
  const running = { process, output: "", found: [] };
  return new Promise((resolve, reject) => {
    const read = (chunk) => {
      running.output += chunk;
      running.found = patterns.map((pattern) => running.output.match(pattern)?.[1]);
      if (running.found.every((each) => each !== undefined)) resolve(running);
    };
    process.stdout.on("data", read);
    process.stderr.on("data", read);
    process.once("exit", (status) => reject(new Error(`${command} ended with ${status}:\n${running.output}`)));
    setTimeout(() => reject(new Error(`${command} did not print ${patterns}:\n${running.output}`)), patience).unref();
  });
}

/** Ends a program that [start] started, as a person would. */
export async function stop(running) {
  if (!running || running.process.exitCode !== null) return;
  const ended = new Promise((resolve) => running.process.once("exit", resolve));
  running.process.kill("SIGTERM");
  await ended;
}

/** A hub with virtual bins: its address, its administrator's password, and how to end it. */
export async function startDemo(...options) {
  const { PILAH_BROWSER_URL: url, PILAH_BROWSER_PASSWORD: password } = process.env;
  if (url) return { url, password, end: async () => {} };
  const folder = temporaryFolder();
  const demo = await start(
    program("pilah-hub"),
    ["demo", "--data", join(folder, "data"), "--edge-program", program("pilah-edge"), ...options],
    [/Dashboard:\s+(\S+)/, /password:\s+(\S+)/],
  );
  const end = async () => {
    await stop(demo);
    removeFolder(folder);
  };
  return { url: demo.found[0], password: demo.found[1], end };
}

/**
 * A browser with one page. What its console complains of is collected; refusals, which the page tells in words, are not.
 */
export async function openBrowser() {
  mkdirSync(screenshots, { recursive: true });
  const executablePath = ["/usr/bin/chromium", process.env.CHROMIUM].find((path) => path && existsSync(path));
  assert.ok(executablePath, "Chromium is needed: install Debian's package chromium, or name it in CHROMIUM");
  const args = ["--no-sandbox", "--disable-background-networking", "--use-fake-device-for-media-stream"];
  const browser = await chromium.launch({ executablePath, args });
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.setDefaultTimeout(patience);
  const complaints = [];
  // 503 is "not yet", as for an image that has no embedding so far.
  const refusal = /status of (401|403|404|409|413|415|422|503)/;
  page.on("console", (message) => {
    if (message.type() === "error" && !refusal.test(message.text())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  return { browser, page, complaints };
}

/** Opens the dashboard at a path as an administrator, without the tour of a first visit. */
export async function openDashboard(page, { url, password }, path = "/") {
  await page.addInitScript(() => localStorage.setItem("pilah-tour", "seen"));
  await page.goto(new URL(path, url).href);
  await logIn(page, "admin", password);
}

/** Fills in the login that the page shows. */
export async function logIn(page, user, password) {
  await page.getByLabel("Name", { exact: true }).fill(user);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("navigation", { name: "Pages" }).waitFor({ state: "attached" });
}

/** Looks at the page at two widths, light and dark: it fits, it is accessible, and its pictures are kept. */
export async function looksRight(page, name) {
  for (const scheme of ["light", "dark"]) {
    for (const width of [1280, 390]) {
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
      await page.setViewportSize({ width, height: 900 });
      await page.waitForTimeout(250);
      const overflow = () => document.documentElement.scrollWidth - window.innerWidth;
      // On a busy machine the page is still moving to its new width.
      for (let tries = 0; tries < 20 && (await page.evaluate(overflow)) > 0; tries += 1) await page.waitForTimeout(250);
      const tooWide = await page.evaluate(overflow);
      assert.ok(tooWide <= 0, `${name} ${scheme} ${width}: ${tooWide} pixels wider than the window`);
      await page.screenshot({ path: join(screenshots, `${name}-${scheme}-${width}.png`), fullPage: true });
      assert.deepEqual(await violations(page), [], `${name} ${scheme} ${width}`);
    }
  }
  await page.emulateMedia({ colorScheme: "light", reducedMotion: null });
  await page.setViewportSize({ width: 1280, height: 900 });
}

/** The accessibility rules that the page breaks, each with the elements. */
async function violations(page) {
  // By the debugger, because the page's own policy allows no foreign script.
  const session = await page.context().newCDPSession(page);
  await session.send("Runtime.evaluate", { expression: readFileSync(axe, "utf8") });
  const found = await page.evaluate(async () => (await window.axe.run()).violations);
  await session.detach();
  return found.map((violation) => `${violation.id}: ${violation.nodes.map((node) => node.html).join(" ")}`);
}
