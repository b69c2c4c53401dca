// The frame of the dashboard on the demo with its virtual bins: logging in, going around, languages, themes, and a hub
// that goes away and comes back.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { looksRight, openBrowser, openDashboard, startDemo } from "./stage.js";

let demo, browser, page, complaints;

before(async () => {
  demo = await startDemo();
  ({ browser, page, complaints } = await openBrowser());
});

after(async () => {
  await browser?.close();
  await demo?.end();
});

test("a wrong password is refused in words, the right one opens the page", async () => {
  await page.goto(demo.url);
  await page.getByLabel("Name", { exact: true }).fill("admin");
  await page.getByLabel("Password", { exact: true }).fill("not the password");
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByText("Name or password is wrong").waitFor();
  await looksRight(page, "login");
});

test("the tour of the first visit leads through the pages and does not come again", async () => {
  await page.getByLabel("Password", { exact: true }).fill(demo.password);
  await page.getByRole("button", { name: "Log in" }).click();
  const tour = page.getByRole("dialog", { name: "A short tour" });
  await tour.waitFor();
  for (const path of ["/review", "/train", "/models", "/fleet", "/forecasts"]) {
    await tour.getByRole("button", { name: "Next" }).click();
    await page.waitForURL(`**${path}`);
  }
  await tour.getByRole("button", { name: "Done" }).click();
  await tour.waitFor({ state: "detached" });
  await page.reload();
  await page.getByRole("heading", { level: 1 }).waitFor();
  assert.equal(await tour.count(), 0);
});

test("every page opens by its link, says that the data are virtual, and fits", async () => {
  const links = page.getByRole("navigation", { name: "Pages" }).getByRole("link");
  const paths = await links.evaluateAll((all) => all.map((link) => link.getAttribute("href")));
  assert.equal(paths.length, 11);
  for (const path of paths) {
    await page.getByRole("navigation", { name: "Pages" }).locator(`a[href="${path}"]`).click();
    await page.waitForURL(`**${path}`);
    await page.getByRole("heading", { level: 1 }).waitFor();
    await page.getByText("Demonstration: bins, items").waitFor();
    await page.locator("main [aria-busy]").waitFor({ state: "detached" });
    await looksRight(page, `page-${path.slice(1) || "home"}`);
  }
});

test("the language and the theme are switched where one is, and stay", async () => {
  await page.goto(new URL("/train", demo.url).href);
  await page.getByText("ID", { exact: true }).click();
  await page.getByRole("navigation", { name: "Halaman" }).getByRole("link", { name: "Armada" }).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.lang), "id");
  await page.getByRole("button", { name: "Ganti ke tema gelap" }).click();
  await page.reload();
  await page.getByRole("button", { name: "Ganti ke tema terang" }).click();
  await page.getByText("EN", { exact: true }).click();
  await page.getByRole("button", { name: "Switch to the dark theme" }).waitFor();
});

test("an address that no page has says so and shows the way home", async () => {
  await page.goto(new URL("/nowhere", demo.url).href);
  await page.getByRole("heading", { name: "There is no such page" }).waitFor();
  await page.getByRole("main").getByRole("link", { name: "Home" }).click();
  await page.waitForURL(new URL("/", demo.url).href);
});

test("nothing complained in the console", () => {
  assert.deepEqual(complaints, []);
});
