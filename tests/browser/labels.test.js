// From photos to labels in the dashboard: classify a photo, upload ten, review twenty by keyboard; with bad files, a
// camera that is refused, a session that ends and a hub that does not answer in the middle.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { logIn, looksRight, openBrowser, openDashboard, startDemo } from "./stage.js";

let demo, browser, page, complaints;

before(async () => {
  demo = await startDemo("--bins", "1");
  ({ browser, page, complaints } = await openBrowser());
});

after(async () => {
  await browser?.close();
  await demo?.end();
});

test("a photo is classified, told of in both languages, and set right by one click", async () => {
  await openDashboard(page, demo, "/classify");
  await choose(await photos(1));
  const result = page.getByRole("region", { name: "Result" });
  await result.getByRole("heading").waitFor();
  await page.getByRole("region", { name: "What to do with it" }).waitFor();
  await page.getByText("ID", { exact: true }).click();
  await page.getByRole("region", { name: "Cara membuangnya" }).getByText(/masuk|buang|wadah/i).first().waitFor();
  await page.getByText("EN", { exact: true }).click();
  await looksRight(page, "classify-result");
  await page.getByRole("region", { name: "What is it truly?" }).getByRole("button", { name: "Glass" }).click();
  await page.getByText("Kept as Glass. The next model learns from it.").waitFor();
});

test("what is no image is told from one, and a photo of 40 MB is made smaller here", async () => {
  await page.getByRole("button", { name: "Another photo" }).click();
  await choose([{ name: "photo.jpg", mimeType: "image/jpeg", buffer: Buffer.from("only text") }]);
  await page.getByText("This is no image, whatever its name says").waitFor();
  await page.getByRole("button", { name: "Another photo" }).click();
  await page.getByTestId("files").evaluate(async (input) => {
    const canvas = new OffscreenCanvas(4000, 3500);
    const noise = new ImageData(4000, 3500);
    for (let at = 0; at < noise.data.length; at += 65536) {
      crypto.getRandomValues(noise.data.subarray(at, Math.min(at + 65536, noise.data.length)));
    }
    for (let at = 3; at < noise.data.length; at += 4) noise.data[at] = 255;
    canvas.getContext("2d").putImageData(noise, 0, 0);
    const files = new DataTransfer();
    files.items.add(new File([await canvas.convertToBlob({ type: "image/png" })], "large.png", { type: "image/png" }));
    input.files = files.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
  await page.getByText(/This photo has 4\d.* MB; the hub takes up to 25 MB/).waitFor();
  await looksRight(page, "classify-too-large");
  await page.getByRole("button", { name: "Make it smaller" }).click();
  await page.getByRole("region", { name: "Result" }).getByRole("heading").waitFor();
});

test("a camera that is refused says so and leaves the way by file; one that is allowed takes the photo", async () => {
  await page.getByRole("button", { name: "Webcam" }).click();
  await page.getByText(/was told not to let this page use the camera|The camera could not be opened/).waitFor();
  await page.getByRole("button", { name: "Photo from a file or the phone" }).waitFor();
  await page.getByRole("button", { name: "Back" }).click();
  await page.context().grantPermissions(["camera"]);
  await page.getByRole("button", { name: "Webcam" }).click();
  await page.getByRole("button", { name: "Take the photo" }).click();
  await page.getByRole("region", { name: "Result" }).getByRole("heading").waitFor();
});

test("ten photos are uploaded, what is no image is held, and the same again is there already", async () => {
  await go("/upload");
  const ten = await photos(10);
  await choose([...ten, { name: "notes.jpg", mimeType: "image/jpeg", buffer: Buffer.from("only text") }]);
  await page.getByRole("combobox", { name: "All of these show" }).click();
  await page.getByRole("option", { name: "Metal" }).click();
  await page.getByRole("combobox", { name: `What ${ten[9].name} shows` }).click();
  await page.getByRole("option", { name: "Paper" }).click();
  await looksRight(page, "upload-ready");
  await page.getByRole("button", { name: "Send 10 photos" }).click();
  await page.getByText("10 stored").waitFor();
  await page.getByText("1 need something first").waitFor();
  await looksRight(page, "upload-done");
  await choose([{ ...ten[0], name: "again.jpg" }]);
  await page.getByRole("combobox", { name: "What again.jpg shows" }).click();
  await page.getByRole("option", { name: "Metal" }).click();
  await page.getByRole("button", { name: "Send 1 photo" }).click();
  await page.getByText("1 were there already").waitFor();
  await page.getByRole("button", { name: "Clear finished ones" }).click();
  await page.getByRole("button", { name: "Remove notes.jpg from the list" }).click();
});

test("twenty are reviewed by keyboard, and the last is taken back", async () => {
  await unlabelled(44);
  await go("/review");
  await present();
  await page.waitForTimeout(2000);
  await looksRight(page, "review");
  const before = await answered();
  await measureKeys();
  for (let done = 0; done < 20; done += 1) await answer(String(1 + (done % 6)));
  const taken = (await page.evaluate(() => window.taken)).sort((a, b) => a - b);
  const figure = (value) => `${Math.round(value)} ms`;
  console.log(`key to next image of ${taken.length}: median ${figure(taken[10])}, worst ${figure(taken.at(-1))}`);
  await eventually(async () => assert.equal(await answered(), before + 20));
  await page.keyboard.press("z");
  await eventually(async () => assert.equal(await answered(), before + 19));
  await page.keyboard.press("u");
  await page.getByText("Why is it of no use?").waitFor();
  await looksRight(page, "review-unusable");
  await answer("b");
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keys" }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog", { name: "Keys" }).waitFor({ state: "detached" });
});

test("a session that ends in the middle costs nothing", async () => {
  const before = await answered();
  await page.context().clearCookies();
  await answer("1");
  const login = page.getByRole("dialog", { name: "Your session has ended" });
  await login.waitFor();
  // Keys mean nothing to the page below while the login is open.
  const shown = await present();
  await login.getByLabel("Password", { exact: true }).fill("2");
  assert.equal(await present(), shown);
  await logIn(page, "admin", demo.password);
  await login.waitFor({ state: "detached" });
  assert.equal(await present(), shown);
  await eventually(async () => assert.equal(await answered(), before + 1));
});

test("answers wait for a hub that does not answer, also over a reload", async () => {
  const before = await answered();
  await page.route("**/answer", (route) => route.abort());
  await answer("3");
  await answer("4");
  await page.getByText("2 answers wait to be sent and are kept in this browser.").waitFor();
  await page.unroute("**/answer");
  await page.reload();
  await present();
  await eventually(async () => assert.equal(await answered(), before + 2));
  await forgive(/ERR_FAILED/);
});

test("many that are alike are labelled at once", async () => {
  const before = await answered();
  await page.keyboard.press("g");
  const cells = page.getByRole("checkbox", { name: /, image \d+$/ });
  await cells.nth(2).waitFor();
  await cells.nth(0).click();
  await cells.nth(2).click({ modifiers: ["Shift"] });
  await page.getByText("3 images chosen").waitFor();
  await looksRight(page, "review-grid");
  await page.keyboard.press("5");
  await page.getByText("0 images chosen").waitFor();
  await eventually(async () => assert.equal(await answered(), before + 3));
  await page.keyboard.press("z");
  await eventually(async () => assert.equal(await answered(), before));
});

test("nothing complained in the console", () => {
  assert.deepEqual(complaints, []);
});

async function go(path) {
  await page.getByRole("navigation", { name: "Pages" }).locator(`a[href="${path}"]`).click();
  await page.waitForURL(`**${path}`);
}

const choose = (files) => page.getByTestId("files").setInputFiles(files);

/** Photos that look like nothing else. */
async function photos(count) {
  const drawn = await page.evaluate(async (count) => {
    const chance = (most) => Math.random() * most;
    const colour = () => `hsl(${chance(360)} ${30 + chance(60)}% ${20 + chance(60)}%)`;
    const draw = async () => {
      const canvas = new OffscreenCanvas(640, 480);
      const pen = canvas.getContext("2d");
      pen.fillStyle = colour();
      pen.fillRect(0, 0, 640, 480);
      for (let shape = 0; shape < 6 + chance(12); shape += 1) {
        pen.setTransform(1, 0, 0, 1, chance(640), chance(480));
        pen.rotate(chance(6));
        pen.fillStyle = colour();
        pen.fillRect(-chance(80), -chance(60), 30 + chance(240), 20 + chance(200));
      }
      const bytes = new Uint8Array(await (await canvas.convertToBlob({ type: "image/jpeg" })).arrayBuffer());
      return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
    };
    return Promise.all(Array.from({ length: count }, draw));
  }, count);
  // Letters only: a run of numbers would be taken for photos of one item.
  const name = () => `${Array.from({ length: 12 }, () => "abcdefgh"[Math.floor(Math.random() * 8)]).join("")}.jpg`;
  return drawn.map((jpeg) => ({ name: name(), mimeType: "image/jpeg", buffer: Buffer.from(jpeg, "base64") }));
}

/** Photos that wait for review: uploaded with a label that is then taken back. */
async function unlabelled(count) {
  for (const { name, buffer } of await photos(count)) {
    await page.evaluate(
      async ([name, jpeg]) => {
        const own = { "X-Pilah-CSRF": "1" };
        const form = new FormData();
        form.append("label", "glass");
        form.append("file", new File([Uint8Array.from(atob(jpeg), (c) => c.charCodeAt(0))], name));
        const uploaded = await (await fetch("/api/upload-training", { method: "POST", headers: own, body: form })).json();
        await fetch(`/api/v1/samples/${uploaded.files[0].sample}/label`, {
          method: "POST",
          headers: { ...own, "Content-Type": "application/json" },
          body: '{"label":null}',
        });
      },
      [name, buffer.toString("base64")],
    );
  }
}

/** How many answers of ours the hub has: the queue itself moves with what bins send. */
const answered = () => page.evaluate(async () => (await (await fetch("/api/v1/review")).json()).answered_by_me);

/** The sample that is shown. */
async function present() {
  const shown = page.locator("[data-shown]");
  await shown.locator("img").waitFor();
  return shown.getAttribute("data-sample");
}

/** Presses a key and waits for the next image. */
async function answer(key) {
  const before = await present();
  await page.keyboard.press(key);
  await page.waitForFunction((last) => {
    const shown = document.querySelector("[data-shown]");
    const image = shown?.querySelector("img");
    return shown?.dataset.sample !== last && image?.complete && image.naturalWidth > 0;
  }, before);
}

/** Notes how long it takes from each key to the frame after the one with the next image. */
const measureKeys = () =>
  page.evaluate(() => {
    window.taken = [];
    document.addEventListener(
      "keydown",
      (event) => {
        const before = document.querySelector("[data-shown]")?.dataset.sample;
        const look = () => {
          const shown = document.querySelector("[data-shown]");
          const image = shown?.querySelector("img");
          if (shown?.dataset.sample === before || !image?.complete || image.naturalWidth === 0) {
            requestAnimationFrame(look);
            return;
          }
          // What follows a frame runs when it is painted.
          const painted = new MessageChannel();
          painted.port1.onmessage = () => window.taken.push(performance.now() - event.timeStamp);
          painted.port2.postMessage(null);
        };
        requestAnimationFrame(look);
      },
      { capture: true },
    );
  });

/** Complaints of what a test broke on purpose are none. */
async function forgive(pattern) {
  for (let at = complaints.length - 1; at >= 0; at -= 1) if (pattern.test(complaints[at])) complaints.splice(at, 1);
}

/** Tries until it holds. */
async function eventually(check) {
  const until = Date.now() + 60_000;
  for (;;) {
    try {
      await check();
      return;
    } catch (error) {
      if (Date.now() > until) throw error;
      await page.waitForTimeout(200);
    }
  }
}
