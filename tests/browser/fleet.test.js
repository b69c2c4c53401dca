// The fleet in a browser: a bin is enrolled, found, placed, asked to identify itself and retired; and what a viewer
// may not do has no button.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { logIn, looksRight, openBrowser, openDashboard, startDemo } from "./stage.js";

let demo, browser, page, complaints;

before(async () => {
  demo = await startDemo();
  ({ browser, page, complaints } = await openBrowser());
});

after(async () => {
  await browser?.close();
  await demo?.end();
});

/** Its own for each run: the id of a bin that is retired is not given again. */
const id = `kitchen-${Date.now().toString(36)}`;
const name = `The ${id}`;
const viewer = `vera-${Date.now().toString(36)}`;
const button = (action) => page.getByRole("button", { name: action, exact: true });
const open = (path) => page.goto(new URL(path, demo.url).href);

/** Presses a button that asks once more, and says yes. */
async function confirm(action) {
  await button(action).first().click();
  await page.getByRole("dialog").getByRole("button", { name: action, exact: true }).click();
}

test("a bin is enrolled, and its secret shown once", async () => {
  await openDashboard(page, demo, "/fleet");
  await button("Enrol a bin").click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Id").fill(id);
  await dialog.getByLabel("Name").fill(name);
  await dialog.getByRole("button", { name: "Enrol a bin" }).click();
  await dialog.getByText("The secret is shown this once").waitFor();
  assert.ok((await dialog.getByLabel("Secret", { exact: true }).innerText()).length > 15);
  assert.match(await dialog.getByLabel("Configuration", { exact: true }).innerText(), new RegExp(`id = "${id}"`));
  await looksRight(page, "fleet-enrol");
  await button("I have noted the secret").click();
});

test("it is found in the table, and its page opens", async () => {
  await looksRight(page, "fleet");
  await page.getByLabel("Name, id, group or address").fill(id);
  await page.getByText("1 listed").waitFor();
  await page.getByRole("link", { name }).click();
  await page.getByRole("heading", { name }).waitFor();
  await page.getByText("Commands take a connection.").waitFor();
  assert.ok(await button("Identify").isDisabled());
});

test("it is placed by a click on the map, and found there", async () => {
  const map = page.getByRole("region", { name: "Map" });
  await map.scrollIntoViewIfNeeded();
  await map.click({ position: { x: 120, y: 90 } });
  await map.getByRole("img", { name }).waitFor();
  assert.notEqual(await page.getByLabel("Latitude").inputValue(), "");
  await page.getByLabel("Address").fill("Jalan Merdeka 1");
  const saved = page.waitForResponse((answer) => answer.request().method() === "PATCH" && answer.ok());
  await button("Save").click();
  await saved;
  await open("/fleet");
  await page.getByText("Map", { exact: true }).click();
  await page.getByRole("link", { name: `${name}: Not connected` }).waitFor();
  await looksRight(page, "fleet-map");
  await page.getByRole("link", { name: `${name}: Not connected` }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name }).waitFor();
});

test("a bin that is connected shows what it sees, and answers", async () => {
  await open("/fleet/bin-1");
  await page.getByText("Connected", { exact: true }).waitFor();
  await page.getByRole("img", { name: /Confidence of the last \d+ items/ }).waitFor();
  // A virtual bin has no light, and says so.
  await button("Identify").click();
  await page.getByText("The bin did not do it").waitFor();
  await page.getByText(/this bin has no light/).waitFor();
  await button("Capture now").click();
  await page.getByText("The bin answered").waitFor();
  await looksRight(page, "fleet-bin");
  await page.getByText("ID", { exact: true }).click();
  await page.getByRole("heading", { name: "Barang langsung" }).waitFor();
  await page.getByText("EN", { exact: true }).click();
});

test("a viewer is added, and sees no button for what viewers may not do", async () => {
  await open("/settings");
  await page.getByRole("tab", { name: "People" }).click();
  await button("Add a person").click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill(viewer);
  await dialog.getByLabel("Role", { exact: true }).and(dialog.locator("input:not([type=hidden])")).click();
  await page.getByRole("option", { name: "Viewer", exact: true }).click();
  await dialog.getByRole("button", { name: "Add a person" }).click();
  const password = (await page.getByLabel("New password", { exact: true }).innerText()).trim();
  await button("I have noted it").click();
  await page.getByRole("row", { name: new RegExp(viewer) }).waitFor();
  await looksRight(page, "settings-people");

  await page.context().clearCookies();
  await open("/fleet/bin-1");
  await logIn(page, viewer, password);
  await page.getByRole("heading", { name: "Health" }).waitFor();
  for (const action of ["Identify", "Restart", "Save", "Retire", "New secret"]) {
    assert.equal(await button(action).count(), 0, action);
  }
  await open("/fleet");
  await page.getByRole("table", { name: "Fleet" }).waitFor();
  assert.equal(await button("Enrol a bin").count(), 0);
  await open("/settings");
  await page.getByRole("tab", { name: "Configuration" }).click();
  await page.getByText("--keep-unlabelled-days DAYS").waitFor();
  assert.equal(await page.getByRole("tab", { name: "People" }).count(), 0);
  await looksRight(page, "settings-configuration");
  await open("/forecasts");
  await page.getByRole("tab", { name: "Data and training" }).click();
  await page.getByText("You may not do this").waitFor();
});

test("the person is removed, the bin retired, and the audit log knows of both", async () => {
  await page.context().clearCookies();
  await open("/settings");
  await logIn(page, "admin", demo.password);
  await page.getByRole("tab", { name: "People" }).click();
  const row = page.getByRole("row", { name: new RegExp(viewer) });
  await row.getByRole("button", { name: "Remove" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove", exact: true }).click();
  await row.waitFor({ state: "detached" });

  await open(`/fleet/${id}`);
  await confirm("Retire");
  await page.getByRole("table", { name: "Fleet" }).waitFor();
  await page.getByRole("link", { name }).waitFor({ state: "detached" });

  await open("/settings");
  await page.getByRole("tab", { name: "Audit log" }).click();
  await page.getByRole("row", { name: new RegExp(`Retired a bin.*${id}`) }).waitFor();
  await page.getByRole("row", { name: new RegExp(`Removed a person.*${viewer}`) }).waitFor();
  await looksRight(page, "settings-audit");
});

test("nothing went wrong unseen", () => assert.deepEqual(complaints, []));
