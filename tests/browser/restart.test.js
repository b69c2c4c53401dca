// A hub that is killed and started again while somebody looks: the page says so, keeps what is on it, and goes on by
// itself.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { logIn, openBrowser, program, removeFolder, start, stop, temporaryFolder } from "./stage.js";

let hub, folder, browser, page, complaints, address;

before(async () => {
  folder = temporaryFolder();
  hub = await serve("127.0.0.1:0", [/Pilah hub: http:\/\/(\S+)/, /with the password (\S+)/]);
  address = hub.found[0];
  ({ browser, page, complaints } = await openBrowser());
  await page.addInitScript(() => localStorage.setItem("pilah-tour", "seen"));
  await page.goto(`http://${address}`);
  await logIn(page, "admin", hub.found[1]);
});

after(async () => {
  await browser?.close();
  await stop(hub);
  removeFolder(folder);
});

test("a hub that is killed is missed, and found again", async () => {
  await page.getByRole("heading", { level: 1 }).waitFor();
  const ended = new Promise((resolve) => hub.process.once("exit", resolve));
  hub.process.kill("SIGKILL");
  await ended;
  await page.getByText("The hub does not answer").first().waitFor();
  assert.ok(await page.getByRole("heading", { level: 1 }).isVisible(), "what was there stays there");

  hub = await serve(address, [/Pilah hub: http:\/\/(\S+)/]);
  await page.getByText("The hub does not answer").first().waitFor({ state: "detached" });
  await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Fleet" }).click();
  await page.getByRole("heading", { level: 1, name: "Fleet" }).waitFor();
  assert.equal(await page.getByLabel("Password").count(), 0, "the session outlives the program");
});

test("nothing complained in the console but the lost connection", () => {
  assert.deepEqual(
    complaints.filter((text) => !/ERR_(CONNECTION_REFUSED|INCOMPLETE_CHUNKED_ENCODING|CONNECTION_RESET|EMPTY_RESPONSE)/.test(text)),
    [],
  );
});

function serve(http, patterns) {
  const data = join(folder, "data");
  return start(program("pilah-hub"), ["serve", "--data", data, "--http", http, "--mqtt", "127.0.0.1:0"], patterns);
}
