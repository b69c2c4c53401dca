// Measures the dashboard with much to show: `node tests/browser/at-scale.js [URL PASSWORD]`, against a demo of its own if
// no hub is named. Scrolls a fleet of 1,000 bins, and draws a line of 10,000 points; both are answers made up here. Its
// figures are only as good as the machine is idle.

import { openBrowser, openDashboard, startDemo } from "./stage.js";

const BINS = 1000;
const POINTS = 10_000;
const FRAMES = 240;

/** Pixels per frame, as fast as a wheel is turned. */
const STEP = 120;

const [url, password] = process.argv.slice(2);
const hub = url ? { url, password, end: async () => {} } : await startDemo();
const { browser, page } = await openBrowser();
const hour = 3_600_000;
const now = Date.now();

await page.route("**/api/v1/bins", (route) =>
  route.fulfill({
    json: Array.from({ length: BINS }, (_, number) => ({
      id: `bin-${number}`,
      name: `Bin ${number}, some street ${number % 97}`,
      created_ms: now - 100 * hour,
      last_seen_ms: now - number * 1000,
      online: number % 9 !== 0,
      model: `m${number % 3}`,
      desired_model: "m2",
      update: null,
      camera: "streaming",
      last_item: null,
      telemetry: null,
      place: null,
      group: `group ${number % 7}`,
      software: "0.1.0",
    })),
  }),
);
await page.route("**/api/v1/field?*", (route) =>
  route.fulfill({
    json: {
      since_ms: now - 24 * hour,
      classes: [{ label: "glass", sure: 3, unsure: 1 }],
      models: [{ model: "m1", from_ms: now - 24 * hour, items: POINTS, right: POINTS, sure: POINTS, sure_right: POINTS }],
      points: Array.from({ length: POINTS }, (_, number) => ({
        at_ms: now - 24 * hour + number * 8640,
        model: "m1",
        items: 100,
        right: 50 + Math.round(40 * Math.sin(number / 300)),
      })),
      truth_sources: ["virtual"],
    },
  }),
);

await openDashboard(page, hub);
for (const width of [1280, 390]) {
  await page.setViewportSize({ width, height: 900 });
  await page.goto(new URL("/fleet", hub.url).href);
  await page.getByText("Bin 3, some street 3").waitFor();
  console.log(`${BINS} bins, ${width} pixels wide: ${await scroll()}`);
}

// How long the page is busy with the chart: the longest task between the click and the drawn line.
await page.setViewportSize({ width: 1280, height: 900 });
await page.evaluate(() => {
  window.tasks = [];
  new PerformanceObserver((list) => window.tasks.push(...list.getEntries().map((entry) => entry.duration))).observe({
    type: "longtask",
  });
});
await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Home" }).click();
await page.locator(".uplot canvas").waitFor();
await page.waitForTimeout(1000);
const tasks = await page.evaluate(() => window.tasks);
console.log(`${POINTS} points: longest task ${tasks.length === 0 ? "under 50" : Math.max(...tasks).toFixed(0)} ms`);

const hover = await page.evaluate(async () => {
  const over = document.querySelector(".u-over");
  const { left, top, width } = over.getBoundingClientRect();
  const frames = [];
  for (let x = 0; x < width; x += 5) {
    const begun = await new Promise(requestAnimationFrame);
    over.dispatchEvent(new MouseEvent("mousemove", { clientX: left + x, clientY: top + 50, bubbles: true }));
    frames.push((await new Promise(requestAnimationFrame)) - begun);
  }
  return frames.sort((a, b) => a - b);
});
console.log(`${POINTS} points under the pointer: frames median ${at(hover, 0.5)} ms, 95 % ${at(hover, 0.95)} ms`);

await browser.close();
await hub.end();

/** Scrolls the list, and gives the times between its frames. */
async function scroll() {
  const frames = await page.evaluate(
    async ([frames, step]) => {
      const scrolls = (element) => element.scrollHeight > element.clientHeight + 1000;
      const list = [...document.querySelectorAll("main *")].find(scrolls) ?? document.scrollingElement;
      const times = [];
      let last = await new Promise(requestAnimationFrame);
      for (let frame = 0; frame < frames; frame += 1) {
        list.scrollBy(0, step);
        const at = await new Promise(requestAnimationFrame);
        times.push(at - last);
        last = at;
      }
      return times.sort((a, b) => a - b);
    },
    [FRAMES, STEP],
  );
  return `frames median ${at(frames, 0.5)} ms, 95 % ${at(frames, 0.95)} ms, worst ${at(frames, 1)} ms`;
}

/** A quantile of ascending numbers. */
function at(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))].toFixed(1);
}
