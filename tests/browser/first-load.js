// Measures the first load of the dashboard on a slow phone: `node tests/browser/first-load.js [URL PASSWORD]`, against a
// demo of its own if no hub is named. Prints bytes over the wire and the largest contentful paint, for the login and for
// the home page, each five times with an empty cache. Its figures are only as good as the machine is idle.

import { openBrowser, openDashboard, startDemo } from "./stage.js";

/** What Lighthouse calls mobile: 1.6 Mbit/s, 150 ms round trip, a processor four times as slow. */
const slow = { name: "slow 4G, CPU / 4", latency: 150, kbit: 1638, cpu: 4 };

/** What Chromium's developer tools call fast 4G, with the same phone. */
const fast = { name: "fast 4G, CPU / 4", latency: 60, kbit: 9216, cpu: 4 };

const RUNS = 5;

const [url, password] = process.argv.slice(2);
const hub = url ? { url, password, end: async () => {} } : await startDemo();
const { browser, page: first } = await openBrowser();
await first.setViewportSize({ width: 412, height: 823 });
await openDashboard(first, hub);
const cookies = await first.context().cookies();

for (const profile of [slow, fast]) {
  for (const loggedIn of [false, true]) {
    const runs = [];
    for (let run = 0; run < RUNS; run += 1) runs.push(await load(profile, loggedIn));
    const median = (of) => runs.map(of).sort((a, b) => a - b)[Math.floor(RUNS / 2)];
    console.log(
      `${profile.name}, ${loggedIn ? "home" : "login"}: largest contentful paint ${median((run) => run.paint).toFixed(0)} ms` +
        ` (${runs.map((run) => run.paint.toFixed(0)).join(", ")}), script ${(median((run) => run.script) / 1000).toFixed(0)} kB,` +
        ` style ${(median((run) => run.style) / 1000).toFixed(0)} kB`,
    );
  }
}
await browser.close();
await hub.end();

/** One load with an empty cache: milliseconds to the largest contentful paint, and bytes over the wire by kind. */
async function load({ latency, kbit, cpu }, loggedIn) {
  const context = await browser.newContext({ viewport: { width: 412, height: 823 }, isMobile: true });
  await context.addInitScript(() => {
    localStorage.setItem("pilah-tour", "seen");
    new PerformanceObserver((list) => {
      window.largestPaint = list.getEntries().at(-1).startTime;
    }).observe({ type: "largest-contentful-paint", buffered: true });
  });
  if (loggedIn) await context.addCookies(cookies);
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await session.send("Network.enable");
  await session.send("Network.emulateNetworkConditions", {
    offline: false,
    latency,
    downloadThroughput: (kbit * 1000) / 8,
    uploadThroughput: (kbit * 500) / 8,
  });
  await session.send("Emulation.setCPUThrottlingRate", { rate: cpu });
  const kinds = new Map();
  const bytes = { script: 0, style: 0 };
  session.on("Network.responseReceived", ({ requestId, type }) => kinds.set(requestId, type));
  session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    if (kinds.get(requestId) === "Script") bytes.script += encodedDataLength;
    if (kinds.get(requestId) === "Stylesheet") bytes.style += encodedDataLength;
  });
  await page.goto(hub.url);
  await (loggedIn ? page.getByRole("heading", { level: 1 }) : page.getByLabel("Password", { exact: true })).waitFor();
  await page.waitForTimeout(3000);
  const paint = await page.evaluate(() => window.largestPaint);
  await context.close();
  return { paint, ...bytes };
}
