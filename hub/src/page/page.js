// The page of the hub: reads lists once, then follows the live events. A list is read again, at most
// every few seconds, when something happened that changes it; the feed is filled from the events alone.

import { accuracyOverTime, bar, seriesClass, swatch, trainingCurve } from "/charts.js";

const FEED = 60;        // items in the feed
const REVIEW = 12;      // images in the review
const PAUSE_MS = 2000;  // between two readings of the same list

const $ = (id) => document.getElementById(id);

/** How wide a chart may be: text in it keeps its size, whatever the screen. */
const widthOf = (id) => Math.max(260, $(id).clientWidth);

/** An element with properties and children. */
function el(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in element) element[key] = value; else element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

class ApiError extends Error {
  constructor(status, problem) {
    super(problem?.detail ?? `the hub answered ${status}`);
    this.status = status;
    this.problem = problem;
  }
}

async function api(path, { method = "GET", body } = {}) {
  const headers = { Accept: "application/json", "X-Pilah-CSRF": "1" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const response = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  const text = await response.text();
  let data = null;
  try { data = text ? JSON.parse(text) : null; } catch { /* an answer from something else than the hub */ }
  if (response.status === 401 && path !== "/api/v1/login") showLogin();
  if (!response.ok) throw new ApiError(response.status, data);
  return data;
}

// ---- reading lists, not too often -------------------------------------------------------------

const readers = { status: readStatus, bins: readBins, field: readField, training: readTraining, classes: readClasses, review: readReview };
const waiting = new Map();

/** Reads lists soon: at once if they were not read lately, else after a pause, and once for many calls. */
function refresh(...names) {
  for (const name of names) {
    const state = waiting.get(name) ?? { last: 0, timer: null };
    waiting.set(name, state);
    if (state.timer !== null) continue;
    const wait = Math.max(0, state.last + PAUSE_MS - Date.now());
    state.timer = setTimeout(async () => {
      state.last = Date.now();
      try { await readers[name](); setOffline(null); } catch (error) { failed(error); }
      state.last = Date.now();
      state.timer = null;
    }, wait);
  }
}

function failed(error) {
  if (error instanceof ApiError && error.status === 401) return;
  setOffline(error instanceof ApiError ? `The hub reports a problem: ${error.message}.` : "The hub does not answer. Trying again…");
}

function setOffline(message) {
  $("offline").hidden = message === null;
  if (message !== null) $("offline").textContent = message;
}

// ---- numbers -----------------------------------------------------------------------------------

const number = new Intl.NumberFormat();
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const percent = (share) => `${Math.round(100 * share)} %`;
let status = null;

async function readStatus() {
  status = await api("/api/status");
  showStatus();
}

function showStatus() {
  const figures = [
    ["Bins online", `${number.format(status.bins_online)} of ${number.format(status.bins)}`],
    ["Items", number.format(status.events)],
    ["Images", number.format(status.samples)],
    ["Labelled", number.format(status.labelled)],
    ["Model in service", status.model ?? "none"],
    ["AI level", `${status.ai_level.level}, ${status.ai_level.name}`],
  ];
  $("figures").replaceChildren(...figures.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
  const next = status.ai_level.next;
  $("level").textContent = next.length === 0 ? "" : `To AI level ${status.ai_level.level + 1}: ${next.join("; ")}.`;
  $("demo").hidden = !status.demo;
  $("version").textContent = `Pilah hub ${status.version}`;
  const { malformed, damaged, refused, storage_failures, connected, last_refusal } = status.ingest;
  const broker = status.broker ? status.broker.refused_connections + status.broker.refused_publishes + status.broker.refused_subscriptions : 0;
  const bad = malformed + damaged + refused + storage_failures + broker;
  const parts = [];
  if (!connected) parts.push("not connected to the MQTT broker");
  if (bad > 0) parts.push(`${number.format(bad)} messages or connections refused since the start`);
  $("refused").textContent = parts.join("; ");
  $("refused").title = last_refusal ?? "";
}

// ---- bins --------------------------------------------------------------------------------------

async function readBins() {
  const bins = await api("/api/v1/bins");
  $("bins-empty").hidden = bins.length > 0;
  $("bins").replaceChildren(...bins.map(binCard));
}

function binCard(bin) {
  const card = el("li", { className: bin.online ? "bin online" : "bin" },
    el("div", { className: "name" }, el("span", { className: "dot", ariaHidden: "true" }), bin.name,
      el("span", { className: "state" }, bin.online ? "online" : "offline")));
  card.dataset.bin = bin.id;
  const detail = (...children) => card.append(el("p", { className: "detail" }, ...children));
  detail("Model ", el("strong", {}, bin.model ?? "not reported yet"));
  if (bin.desired_model && bin.desired_model !== bin.model) detail("The hub wants ", el("strong", {}, bin.desired_model));
  if (bin.update) card.append(el("p", { className: bin.update.startsWith("refused") ? "detail trouble" : "detail" }, `Update: ${bin.update}`));
  if (bin.camera && bin.camera !== "streaming") card.append(el("p", { className: bin.camera.startsWith("failed") ? "detail trouble" : "detail" }, `Camera: ${bin.camera}`));
  const last = el("p", { className: "detail last" });
  showLast(last, bin.last_item);
  card.append(last);
  const waitingItems = bin.telemetry?.outbox?.entries;
  if (waitingItems > 0) detail(`${number.format(waitingItems)} messages wait on the bin`);
  if (!bin.online && bin.last_seen_ms) detail(`Last heard of ${new Date(bin.last_seen_ms).toLocaleString()}`);
  return card;
}

function showLast(place, item) {
  if (!item) { place.textContent = "No item yet"; return; }
  place.replaceChildren("Last item ", el("strong", {}, item.label), ` ${percent(item.confidence)}${item.sure ? "" : ", unsure"}, ${clock.format(item.at_ms)}`);
}

// ---- live items --------------------------------------------------------------------------------

async function readFeed() {
  const items = await api(`/api/v1/events?limit=${FEED}`);
  $("feed").replaceChildren(...items.map((item) => feedRow(item)));
  $("feed-empty").hidden = items.length > 0;
}

function feedRow(item, isNew = false) {
  const meter = el("span", { className: "meter", role: "img", ariaLabel: `confidence ${percent(item.confidence)}` },
    item.sure ? bar(item.confidence) : bar(0, item.confidence), percent(item.confidence));
  let truth = null;
  if (item.truth) {
    const right = item.truth === item.label;
    truth = el("span", { className: `truth ${right ? "right" : "wrong"}` }, right ? "✓ right" : `✗ it is ${item.truth}`);
  }
  const what = el("span", { className: "what" }, item.label, item.sure ? null : el("span", { className: "tag" }, "unsure"));
  return el("li", { className: isNew ? "new" : "" },
    el("time", { className: "when", dateTime: new Date(item.at_ms).toISOString() }, clock.format(item.at_ms)), what, truth ?? el("span"),
    el("span", { className: "from" }, `${item.bin} · ${item.model} · ${Math.round(item.latency_ms)} ms`), meter);
}

function addItem(item) {
  const feed = $("feed");
  feed.prepend(feedRow(item, true));
  while (feed.children.length > FEED) feed.lastElementChild.remove();
  $("feed-empty").hidden = true;
  const last = document.querySelector(`.bin[data-bin="${CSS.escape(item.bin)}"] .last`);
  if (last) showLast(last, item);
  refresh("status", "field");
}

// ---- the field ---------------------------------------------------------------------------------

async function readField() {
  const field = await api("/api/v1/field?hours=24");
  const judged = field.models.length > 0 && field.points.length > 0;
  $("field-empty").hidden = judged;
  $("field-hint").hidden = !judged;
  $("field-models").hidden = !judged;
  $("field-chart").replaceChildren(...(judged ? [accuracyOverTime(field.models, field.points, widthOf("field-chart"))] : []));
  $("field-models").tBodies[0].replaceChildren(...field.models.map((model, index) => el("tr", {},
    el("td", {}, swatch(seriesClass(index)), model.model),
    el("td", {}, el("strong", {}, percent(model.right / model.items))),
    el("td", {}, number.format(model.items)),
    el("td", {}, percent((model.items - model.sure) / model.items)),
    el("td", {}, model.sure > 0 ? percent(model.sure_right / model.sure) : "–"))));
  showClasses(field.classes);
}

function showClasses(classes) {
  $("classes-empty").hidden = classes.length > 0;
  const most = Math.max(1, ...classes.map((c) => c.sure + c.unsure));
  const rows = classes.flatMap((c) => [
    el("span", {}, c.label), bar(c.sure / most, c.unsure / most),
    el("span", { className: "value" }, number.format(c.sure + c.unsure), c.unsure > 0 ? ` (${number.format(c.unsure)} unsure)` : "")]);
  const legend = el("p", { className: "legend" }, el("span", {}, swatch("sure"), "sure"), el("span", {}, swatch("guess"), "unsure: put to the rest"));
  $("classes").replaceChildren(...(classes.length > 0 ? [el("div", { className: "bars" }, ...rows), legend] : []));
}

// ---- training ----------------------------------------------------------------------------------

let training = null;

async function readTraining() {
  showTraining(await api("/api/training-status"));
}

function showTraining(now) {
  training = now;
  const message = now.message || (now.state === "idle" ? "No training yet." : "");
  $("training-message").textContent = message;
  $("training-progress").hidden = !now.in_progress;
  $("training-bar").value = now.progress;
  $("training-percent").textContent = `${Math.round(now.progress)} %`;
  $("train").disabled = now.in_progress;
  $("cancel").hidden = !now.in_progress;
  const history = now.history ?? [];
  if (history.length === 0) { $("training-chart").replaceChildren(); return; }
  const end = history.at(-1);
  const legend = el("figcaption", { className: "legend" },
    el("span", {}, swatch("s2"), `validation accuracy ${percent(end.validation_accuracy)}`),
    el("span", {}, swatch("s4"), `validation loss ${end.validation_loss.toFixed(3)}`),
    el("span", {}, swatch("s6"), `training loss ${end.train_loss.toFixed(3)} (dotted)`));
  $("training-chart").replaceChildren(trainingCurve(history, widthOf("training-chart")), legend);
}

async function train(path, body) {
  $("training-error").hidden = true;
  try {
    await api(path, { method: "POST", body });
  } catch (error) {
    $("training-error").textContent = error.message;
    $("training-error").hidden = false;
  }
  refresh("training");
}

let resized = null;
addEventListener("resize", () => {
  clearTimeout(resized);
  resized = setTimeout(() => { if (!$("dashboard").hidden) refresh("field", "training"); }, 300);
});

$("train").addEventListener("click", () => train("/api/train", {}));
$("cancel").addEventListener("click", () => { if (training?.id !== null) train(`/api/v1/trainings/${training.id}/cancel`); });

// ---- labels and review -------------------------------------------------------------------------

let labels = [];

async function readClasses() {
  const { classes, unlabelled } = await api("/api/v1/classes");
  const names = classes.map((c) => c.label);
  const changed = names.join() !== labels.join();
  labels = names;
  $("review-count").textContent = unlabelled > 0 ? `(${number.format(unlabelled)} waiting)` : "";
  const most = Math.max(1, ...classes.map((c) => c.images));
  const rows = classes.flatMap((c) => [el("span", {}, c.label), bar(c.images / most), el("span", { className: "value" }, number.format(c.images))]);
  $("labelled").replaceChildren(el("div", { className: "bars" }, ...rows));
  if (changed) refresh("review");
}

async function readReview() {
  if (labels.length === 0) return;
  const { samples } = await api(`/api/v1/samples?unlabelled=true&limit=${REVIEW}`);
  const list = $("review");
  const wanted = new Map(samples.map((sample) => [sample.id, sample]));
  // What somebody is about to answer stays where it is.
  for (const card of [...list.children]) {
    if (!wanted.has(card.dataset.sample) && !card.contains(document.activeElement)) card.remove();
    wanted.delete(card.dataset.sample);
  }
  for (const sample of wanted.values()) {
    if (list.children.length < REVIEW) list.append(sampleCard(sample));
  }
  $("review-empty").hidden = list.children.length > 0;
}

function sampleCard(sample) {
  const guess = sample.guess ? [el("strong", {}, sample.guess), ` ${percent(sample.confidence ?? 0)}${sample.sure ? "" : ", unsure"}`] : ["no guess"];
  const card = el("li", { className: "sample" },
    el("img", { src: `/api/v1/samples/${encodeURIComponent(sample.id)}/image`, alt: `Image to review, ${sample.bin ?? sample.source}, ${clock.format(sample.received_ms)}`, width: sample.width, height: sample.height, loading: "lazy" }),
    el("p", { className: "about" }, ...guess, el("br"), `${sample.bin ?? sample.source} · ${clock.format(sample.received_ms)}${sample.reason ? ` · ${sample.reason}` : ""}`));
  card.dataset.sample = sample.id;
  const answer = (label, text, name) => {
    const button = el("button", { type: "button", className: name }, text);
    button.addEventListener("click", () => giveLabel(card, sample.id, label));
    return button;
  };
  card.append(el("div", { className: "answers", role: "group", ariaLabel: "What is it?" },
    ...labels.map((label) => answer(label, label, label === sample.guess ? "guessed" : "")),
    answer("unusable", "cannot tell: leave out", "unusable")));
  return card;
}

async function giveLabel(card, id, label) {
  const next = card.nextElementSibling ?? card.previousElementSibling;
  for (const button of card.querySelectorAll("button")) button.disabled = true;
  $("review-error").hidden = true;
  try {
    await api(`/api/v1/samples/${encodeURIComponent(id)}/label`, { method: "POST", body: { label } });
    card.remove();
    next?.querySelector("button")?.focus();
  } catch (error) {
    for (const button of card.querySelectorAll("button")) button.disabled = false;
    $("review-error").textContent = `Not labelled: ${error.message}`;
    $("review-error").hidden = false;
  }
  refresh("classes", "review", "status");
}

// ---- live --------------------------------------------------------------------------------------

let source = null;

function follow() {
  source?.close();
  source = new EventSource("/api/v1/live");
  source.addEventListener("open", () => { setOffline(null); readAll(); });
  source.addEventListener("missed", readAll);
  source.addEventListener("message", (event) => happened(JSON.parse(event.data)));
  source.addEventListener("error", async () => {
    setOffline("The connection to the hub is lost. Trying again…");
    if (source.readyState !== EventSource.CLOSED) return;
    // The browser gives up on an answer like 401 or 502; we ask why, and try again.
    try { await api("/api/v1/me"); } catch { /* 401 has shown the login */ }
    setTimeout(() => { if (!$("dashboard").hidden) follow(); }, PAUSE_MS);
  });
}

function happened(event) {
  switch (event.type) {
    case "item": addItem(event); break;
    case "sample": refresh("review", "classes", "status"); break;
    case "labelled": dropLabelled(event.sample); refresh("review", "classes", "status"); break;
    case "bin": refresh("bins", "status"); break;
    case "model": refresh("bins", "status", "training"); break;
    case "training":
      showTraining({ ...training, in_progress: event.state === "running", id: event.id, state: event.state, progress: event.progress, message: event.message });
      refresh("training");
      break;
  }
}

function dropLabelled(id) {
  const card = document.querySelector(`.sample[data-sample="${CSS.escape(id)}"]`);
  if (card && !card.contains(document.activeElement)) card.remove();
}

function readAll() {
  readFeed().catch(failed);
  refresh("status", "bins", "field", "training", "classes", "review");
}

// ---- login -------------------------------------------------------------------------------------

function showLogin() {
  source?.close();
  source = null;
  $("dashboard").hidden = true;
  $("session").hidden = true;
  if ($("login").hidden) {
    $("login").hidden = false;
    $("login-form").elements.password.focus();
  }
}

function showDashboard(me) {
  $("login").hidden = true;
  $("dashboard").hidden = false;
  $("session").hidden = false;
  $("who").textContent = me.user;
  follow();
}

$("login-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  $("login-error").hidden = true;
  form.querySelector("button").disabled = true;
  try {
    const me = await api("/api/v1/login", { method: "POST", body: { user: form.elements.user.value, password: form.elements.password.value } });
    form.elements.password.value = "";
    showDashboard(me);
  } catch (error) {
    $("login-error").textContent = error instanceof ApiError ? `Not logged in: ${error.message}.` : "The hub does not answer.";
    $("login-error").hidden = false;
    form.elements.password.select();
  } finally {
    form.querySelector("button").disabled = false;
  }
});

$("logout").addEventListener("click", async () => {
  try { await api("/api/v1/logout", { method: "POST" }); } catch (error) { failed(error); return; }
  showLogin();
});

try {
  await readStatus();
  const response = await fetch("/api/v1/me", { headers: { Accept: "application/json" } });
  if (response.ok) showDashboard(await response.json()); else showLogin();
} catch (error) {
  failed(error);
  showLogin();
}
