// The preview: the live picture with the region drawn into it, and the last items.
"use strict";

const by = (id) => document.getElementById(id);
const sides = ["left", "top", "width", "height"];
const LEAST = 5; // percent, as the program has it

let region = [0, 0, 100, 100]; // percent of the picture: left, top, width, height
let touched = false; // whether someone draws or types: the program's own region is not shown over it
let last = null; // frames and time of the last state, for frames per second

function show() {
  const [left, top, width, height] = region;
  const whole = left === 0 && top === 0 && width === 100 && height === 100;
  const drawn = by("drawn");
  drawn.hidden = whole;
  Object.assign(drawn.style, { left: `${left}%`, top: `${top}%`, width: `${width}%`, height: `${height}%` });
}

function type() {
  sides.forEach((side, index) => { by(side).value = Number(region[index].toFixed(1)); });
}

function say(words, bad = false) {
  by("answer").textContent = words;
  by("answer").className = bad ? "problem" : "hint";
}

// Drawing, by mouse, pen or finger.
const picture = by("picture");
let from = null;
const place = (event) => {
  const box = picture.getBoundingClientRect();
  const share = (value, begin, length) => Math.min(100, Math.max(0, ((value - begin) / length) * 100));
  return [share(event.clientX, box.left, box.width), share(event.clientY, box.top, box.height)];
};
picture.addEventListener("pointerdown", (event) => {
  from = place(event);
  touched = true;
  picture.setPointerCapture(event.pointerId);
});
picture.addEventListener("pointermove", (event) => {
  if (!from) return;
  const to = place(event);
  const span = (a, b) => {
    const length = Math.max(LEAST, Math.abs(a - b));
    return [Math.min(Math.min(a, b), 100 - length), length];
  };
  const [[left, width], [top, height]] = [span(from[0], to[0]), span(from[1], to[1])];
  region = [left, top, width, height];
  show();
  type();
});
for (const end of ["pointerup", "pointercancel"]) picture.addEventListener(end, () => { from = null; });

// Typing.
for (const side of sides) {
  by(side).addEventListener("input", () => {
    touched = true;
    const typed = sides.map((name) => by(name).valueAsNumber);
    if (typed.every(Number.isFinite)) { region = typed; show(); }
  });
}
by("whole").addEventListener("click", () => { region = [0, 0, 100, 100]; show(); type(); send(); });
by("region").addEventListener("submit", (event) => { event.preventDefault(); send(); });

async function send() {
  const shares = region.map((percent) => Number((percent / 100).toFixed(4)));
  const answer = await ask("/region", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(shares) });
  if (!answer) return;
  if (!answer.ok) return say(await answer.text(), true);
  touched = false;
  by("toml").textContent = (await answer.json()).toml;
  by("keep").hidden = false;
  say("The bin looks at this region now.");
}

by("copy").addEventListener("click", async () => {
  const text = by("toml").textContent;
  try {
    await navigator.clipboard.writeText(text);
    say("Copied.");
  } catch {
    // Without TLS, a page from another machine may not reach the clipboard: the text is selected instead.
    getSelection().selectAllChildren(by("toml"));
    say("Selected: copy it with your keyboard.");
  }
});

async function ask(path, options) {
  try {
    const answer = await fetch(path, options);
    if (answer.status === 401) location.reload();
    by("trouble").textContent = "";
    return answer;
  } catch {
    by("trouble").textContent = "The bin does not answer. This page goes on by itself when it does.";
    return null;
  }
}

const scenes = { empty: "empty", moving: "something moves", settled: "an item lies still", classified: "classified; waits until it is gone" };

function camera(state) {
  if (state.camera.state === "failed") return `The camera fails: ${state.camera.error}`;
  if (state.camera.state === "ended") return "The camera has shown all it had.";
  return "";
}

function items(list) {
  by("none").hidden = list.length > 0;
  const shown = by("items");
  const known = new Map([...shown.children].map((item) => [Number(item.dataset.id), item]));
  shown.replaceChildren(...list.map((item) => {
    const entry = known.get(item.id) ?? draw(item);
    entry.querySelector("time").textContent = ago(item.seconds_ago);
    return entry;
  }));
}

function draw(item) {
  const entry = document.createElement("li");
  entry.dataset.id = item.id;
  const image = document.createElement("img");
  image.src = `/items/${item.id}.jpg`;
  image.alt = "";
  const words = document.createElement("div");
  const label = document.createElement("strong");
  label.textContent = item.label;
  const answer = document.createElement("span");
  answer.className = item.sure ? "sure" : "unsure";
  answer.textContent = `${item.sure ? "sure" : "unsure"}, ${(item.confidence * 100).toFixed(0)} %`;
  const time = document.createElement("time");
  const more = document.createElement("div");
  more.className = "hint";
  more.append(`${item.latency_ms.toFixed(0)} ms, `, time);
  words.append(label, answer, more);
  entry.append(image, words);
  return entry;
}

const ago = (seconds) => seconds < 60 ? `${seconds} s ago` : seconds < 3600 ? `${Math.floor(seconds / 60)} min ago` : `${Math.floor(seconds / 3600)} h ago`;

async function refresh() {
  const answer = await ask("/state");
  if (answer?.ok) {
    const state = await answer.json();
    by("bin").textContent = state.bin;
    document.title = `Preview of ${state.bin}`;
    const rate = last && state.uptime_s > last.uptime_s ? (state.frames - last.frames) / (state.uptime_s - last.uptime_s) : null;
    last = state;
    const figures = [`model ${state.model}`, state.connected ? "connected" : "not connected"];
    const trial = state.probation;
    if (trial) figures.push(`on trial after ${trial.before}: ${trial.items} of ${trial.of_items} items`);
    if (state.taken_back) figures.push(`${state.taken_back} taken back`);
    if (rate !== null && rate >= 0) figures.push(`${rate.toFixed(1)} frames/s`);
    if (state.frames_corrupt) figures.push(`${state.frames_corrupt} damaged`);
    by("figures").textContent = figures.join(" · ");
    by("scene").textContent = scenes[state.scene];
    by("trouble").textContent = camera(state);
    items(state.items);
    if (!touched) {
      region = JSON.parse(state.region).map((share) => Math.round(share * 1000) / 10);
      show();
      if (!by("region").contains(document.activeElement)) type();
    }
  }
  setTimeout(refresh, 1000);
}

// A stream that broke off is asked for again.
by("live").addEventListener("error", () => setTimeout(() => { by("live").src = `/live?${Date.now()}`; }, 2000));
by("live").src = "/live";
refresh();
