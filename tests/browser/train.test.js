// From labels to bins on the demo: train and watch it, see the gate and the images behind the figures, put a model into
// service and see the bins change.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { looksRight, openBrowser, openDashboard, startDemo } from "./stage.js";

let demo, browser, page, complaints;

before(async () => {
  demo = await startDemo();
  ({ browser, page, complaints } = await openBrowser());
  await openDashboard(page, demo, "/train");
});

after(async () => {
  await browser?.close();
  await demo?.end();
});

/** What the hub says of the last training. */
const training = () => page.evaluate(async () => (await fetch("/api/training-status")).json());

test("a training is started by hand, and its bar moves", async () => {
  const bar = page.getByRole("progressbar", { name: "How far the training is" });
  const begin = page.getByRole("button", { name: "Start the training" });
  const parameters = page.getByRole("button", { name: "What it should heed" });
  // Until the oracle has labelled enough of every class, the hub says what is missing; and the demo trains by itself.
  while (!(await bar.isVisible())) {
    if (await begin.isVisible()) {
      if ((await parameters.getAttribute("aria-expanded")) === "false") await parameters.click();
      // Long enough to be watched.
      await page.getByLabel("Epochs", { exact: true }).fill("2000");
      await page.getByLabel("Patience", { exact: true }).fill("2000");
      await begin.click();
    }
    await bar.waitFor({ timeout: 2000 }).catch(() => {});
  }
  const seen = new Set();
  while (seen.size < 3 && (await bar.isVisible())) {
    seen.add(await bar.getAttribute("aria-valuenow").catch(() => null));
    await page.waitForTimeout(100);
  }
  seen.delete(null);
  assert.ok(seen.size >= 2, `the bar was seen at ${[...seen]}`);
  await page.getByText(/The last training/).waitFor();
});

test("the training tells its curves, the gate's reasons and its figures", async () => {
  while ((await training()).in_progress) await page.waitForTimeout(500);
  await page.getByRole("row").filter({ hasText: "succeeded" }).first().getByRole("link", { name: /^Training/ }).click();
  await page.getByRole("img", { name: /^Loss on the training/ }).locator("canvas").waitFor();
  await page.getByText(/^The gate (let it pass|refused it)$/).waitFor();
  await page.getByText("Right as often as the one in service").first().waitFor();
  await page.getByRole("group", { name: "What is taken for what" }).waitFor();
  await looksRight(page, "training");
});

test("a cell of the confusion matrix opens its images, and one of them is seen large", async () => {
  const matrix = page.getByRole("group", { name: "What is taken for what" });
  await matrix.getByRole("button", { name: /recognised/ }).first().click();
  const images = page.getByRole("region", { name: "Images of this cell" });
  await images.getByRole("button").first().click();
  const dialog = page.getByRole("dialog", { name: "Sample" });
  await dialog.getByText("What was said of it").waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
});

test("two models are compared side by side", async () => {
  await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Models" }).click();
  const choices = page.getByRole("checkbox", { name: /for a comparison/ });
  await choices.nth(1).check();
  await choices.nth(0).check();
  await page.getByRole("link", { name: "Compare the two" }).click();
  await page.getByText(/McNemar/).waitFor();
  await looksRight(page, "compare");
});

test("another model is put into service, and the bins change", async () => {
  await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Rollouts" }).click();
  const versions = page.getByLabel("Version", { exact: true });
  const other = await versions.locator("option").nth(1).getAttribute("value");
  await versions.selectOption(other);
  await page.getByRole("button", { name: "Put into service", exact: true }).click();
  const dialog = page.getByRole("dialog");
  const reason = dialog.getByLabel("Reason");
  if (await reason.isVisible()) await reason.fill("a journey through the dashboard");
  await dialog.getByRole("button", { name: /^Put into service/ }).click();
  await dialog.waitFor({ state: "detached" });
  await page.getByRole("main").getByRole("link", { name: other, exact: true }).waitFor();
  await page.getByRole("row").filter({ hasText: "bin-1" }).filter({ hasText: other }).filter({ hasText: "has it" }).waitFor();
  await looksRight(page, "rollout-done");
});

test("the dataset is searched by label, and the address keeps the question", async () => {
  await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Dataset" }).click();
  await page.getByRole("tab", { name: "Search" }).click();
  await page.getByLabel("Label", { exact: true }).selectOption("glass");
  await page.waitForURL(/label=glass/);
  await page.reload();
  await page.getByRole("button", { name: /^Photo of Glass/ }).first().waitFor();
  // The classes to choose from come from the hub, and may come after the images.
  await page.waitForFunction(() => [...document.querySelectorAll("select")].some((each) => each.value === "glass"));
  await looksRight(page, "dataset-search");
});

test("nothing complained in the console", () => {
  assert.deepEqual(complaints, []);
});
