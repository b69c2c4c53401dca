// Forecasts in a browser: from a file with a bad row to a chart, what to order, and a plan; and the page without a
// framework.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { looksRight, openBrowser, openDashboard, patience, startDemo } from "./stage.js";

let demo, browser, page, complaints;

before(async () => {
  demo = await startDemo();
  ({ browser, page, complaints } = await openBrowser());
});

after(async () => {
  await browser?.close();
  await demo?.end();
});

/** Half a year of two products, with one row that cannot be read. */
function file() {
  const lines = ["date,product_id,quantity,on_hand,lead_time_days", "2026-13-01,bin-liners,40,300,5"];
  for (let day = 0; day < 180; day++) {
    const date = new Date(Date.UTC(2026, 2, 1 + day)).toISOString().slice(0, 10);
    const weekend = day % 7 > 4 ? 12 : 0;
    lines.push(`${date},bin-liners,${40 + weekend + (day % 5)},300,5`, `${date},gloves,${12 + (day % 3)},20,5`);
  }
  return { name: "sales.csv", mimeType: "text/csv", buffer: Buffer.from(`${lines.join("\n")}\n`) };
}

const tab = (name) => page.getByRole("tab", { name });
const button = (name) => page.getByRole("button", { name });

test("a file with a bad row is told row by row, and the good rows are trained while one watches", async () => {
  await openDashboard(page, demo, "/forecasts");
  await tab("Data and training").click();
  await page.getByText("How the file is read and the models are made").click();
  await page.getByLabel("Epochs").fill("3");
  await page.locator("input[type=file]").setInputFiles(file());
  const found = page.getByRole("region", { name: "What is in the file" });
  await found.getByText("360 of 361 rows are understood; they make 360 quantities.").waitFor();
  assert.match(await found.getByRole("row", { name: /^on_hand/ }).innerText(), /300\s+20/);
  await looksRight(page, "forecast-training");
  await button("Upload and train").click();
  await page.getByText("1 of 361 rows cannot be read").waitFor();
  const row = page.getByRole("row").filter({ hasText: "2026-13-01" });
  assert.match(await row.innerText(), /2\s+date\s+2026-13-01\s+it is no date/);
  await looksRight(page, "forecast-bad-rows");

  await button("Take the 360 good rows").click();
  await page.getByRole("progressbar", { name: "Progress of the training" }).waitFor();
  await page.getByText("360 of 360 rows are good").or(page.getByText("360 of 361 rows are good")).first().waitFor();
  await page.getByText(/The network learns: epoch \d of 3/).first().waitFor({ timeout: 3 * patience });
  await button("See the forecast").click({ timeout: 5 * patience });
});

test("the forecast shows what is coming, what to order, and how far to trust it", async () => {
  await page.getByRole("heading", { name: "All products" }).waitFor();
  await page.getByRole("img", { name: /^All products: .* expected in total/ }).waitFor();
  await page.getByRole("row", { name: /Repeat of the last season/ }).waitFor();
  await page.getByText("Prophet", { exact: true }).first().click();
  await page.getByText("90 days", { exact: true }).click();
  await page.getByText(/90 values, one per day/).waitFor();

  const picker = page.getByLabel("Product or bin").and(page.locator("input:not([type=hidden])"));
  await picker.click();
  await picker.fill("glov");
  await page.getByRole("option", { name: "gloves" }).click();
  await page.getByRole("heading", { name: "gloves" }).waitFor();
  await page.getByText("Stock runs out").waitFor();
  await page.getByText("Order now").waitFor();
  await looksRight(page, "forecast");
});

test("the forecast can be taken along as a picture and as a table", async () => {
  for (const [name, start] of [["PNG", "\u0089PNG"], ["CSV", "date,ensemble,"]]) {
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name }).click()]);
    const content = readFileSync(await download.path(), "latin1");
    assert.ok(content.startsWith(start), `${name} begins with ${content.slice(0, 20)}`);
  }
});

test("the plan says of which bins it knows too little", async () => {
  await tab("Collections").click();
  await page.getByRole("heading", { name: "Bins that cannot be planned for" }).waitFor();
  await page.getByText("Mon", { exact: true }).click();
  await looksRight(page, "forecast-plan");
});

test("a file that can be meant in two ways is asked about before anything is taken over", async () => {
  await tab("Data and training").click();
  const rows = Array.from({ length: 30 }, (_, day) => `2026-04-${String(day + 1).padStart(2, "0")};a;b;1.500`);
  const buffer = Buffer.from(`date;product;shop;quantity\n${rows.join("\n")}\n`);
  await page.locator("input[type=file]").setInputFiles({ name: "thousands.csv", mimeType: "text/csv", buffer });
  await page.getByText("The file can be meant in two ways").waitFor();
  assert.ok(await button("Upload and train").isDisabled());
  await looksRight(page, "forecast-asked");
  await button("comma: 1500").click();
  await page.getByText(/one value per day; 45,000 in total/).waitFor();
  await page.getByLabel("What shop is").selectOption("Not used");
  await page.getByText("left out, as stated").waitFor();
  assert.ok(await button("Upload and train").isEnabled());
});

test("the page without a framework tells bad rows, trains, and ends a training", async () => {
  await page.goto(new URL("/retrain.html", demo.url).href);
  await page.getByLabel("CSV file").setInputFiles(file());
  await page.getByText(/^quantity: quantity/).waitFor();
  await button("Upload and train").click();
  await page.getByRole("cell", { name: "2026-13-01" }).waitFor();
  await looksRight(page, "retrain");
  await button("Take the 360 good rows").click();
  await page.getByRole("log").getByText(/rows are new/).waitFor();
  await button("Cancel").click();
  await page.getByRole("status").getByText("Cancelled. What was trained before goes on to answer.").waitFor();
});

test("the page without a framework lets people log in", async () => {
  await page.context().clearCookies();
  await page.reload();
  await page.getByLabel("Name").fill("admin");
  await page.getByLabel("Password").fill("not the password");
  await button("Log in").click();
  await page.getByText("Name or password is wrong.").waitFor();
  await page.getByLabel("Password").fill(demo.password);
  await button("Log in").click();
  await page.getByLabel("CSV file").waitFor();
});

test("nothing went wrong unseen", () => assert.deepEqual(complaints, []));
