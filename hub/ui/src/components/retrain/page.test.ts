// public/retrain.html and retrain.js, which stand for themselves.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runInThisContext } from "node:vm";
import { beforeEach, expect, it, vi } from "vitest";
import { problem } from "../../testing/render";

const folder = join(import.meta.dirname, "../../../public");
const html = readFileSync(join(folder, "retrain.html"), "utf8");
const script = readFileSync(join(folder, "retrain.js"), "utf8");

type Answer = (init: RequestInit) => Response | Promise<Response>;

/** Opens the page with these answers by path, each used once and in turn; gives the bodies that were sent. */
function opened(answers: Record<string, Answer[]>): { path: string; body: unknown }[] {
  const sent: { path: string; body: unknown }[] = [];
  vi.stubGlobal("fetch", async (path: string, init: RequestInit) => {
    sent.push({ path, body: init.body });
    const answer = answers[path]?.shift();
    if (!answer) throw new TypeError(`${path} is not answered`);
    return answer(init);
  });
  document.body.innerHTML = /<body>(.*)<\/body>/s.exec(html)?.[1] ?? "";
  runInThisContext(script);
  return sent;
}

const at = (id: string) => {
  const element = document.getElementById(id);
  if (!element) throw new Error(`no element #${id}`);
  return element;
};
const isShown = (id: string) => !at(id).hidden;
const submit = (id: string) => at(id).dispatchEvent(new Event("submit", { cancelable: true, bubbles: true }));
const me: Answer = () => Response.json({ user: "admin", role: "admin" });
const events = (...list: { stage: string; progress: number; data?: object; message?: string }[]): Answer => {
  const text = list.map((event, at) => `id: t1/${at}\nevent: x\ndata: ${JSON.stringify({ data: {}, ...event })}\n\n`);
  return () => new Response(text.join(""));
};

function choose(): void {
  const file = new File(["date,quantity\n"], "sales.csv");
  Object.defineProperty(at("file"), "files", { value: [file] });
}

beforeEach(() => localStorage.clear());

it("asks who is not logged in to log in, and says when that fails", async () => {
  const refused = () => problem(401, "unauthorized", "log in first");
  const sent = opened({ "/api/v1/me": [refused], "/api/v1/login": [refused, me] });
  await vi.waitFor(() => expect(isShown("login")).toBe(true));
  expect(isShown("retrain")).toBe(false);
  expect(isShown("refusal")).toBe(false);
  (at("user") as HTMLInputElement).value = "admin";
  (at("password") as HTMLInputElement).value = "secret";
  submit("login");
  await vi.waitFor(() => expect(at("refusal").textContent).toBe("Name or password is wrong."));
  submit("login");
  await vi.waitFor(() => expect(isShown("retrain")).toBe(true));
  expect(sent.at(-1)).toEqual({ path: "/api/v1/login", body: '{"user":"admin","password":"secret"}' });
  expect(isShown("login")).toBe(false);
});

it("trains, and shows what is done", async () => {
  const epochs = [1, 2, 3].map((epoch) => ({
    stage: "lstm",
    progress: 10 * epoch,
    data: { epoch, epochs: 3, loss: 0.5 },
  }));
  const merged = { stage: "merged", progress: 3, data: { new: 2, updated: 0, unchanged: 1 } };
  const answer = events(merged, ...epochs, { stage: "result", progress: 100 });
  opened({ "/api/v1/me": [me], "/retrain": [answer] });
  choose();
  submit("retrain");
  await vi.waitFor(() => expect(isShown("done")).toBe(true));
  expect([...at("log").children].map((line) => line.textContent)).toEqual([
    "2 rows are new, 0 changed, 1 as they were",
    "The network learns: epoch 3 of 3, loss 0.500",
    "Done: the new forecast answers",
  ]);
  expect(isShown("refusal")).toBe(false);
});

it("shows bad rows, and takes the good ones", async () => {
  localStorage.setItem("pilah-language", "id");
  const errors = [{ line: 2, column: "qty", value: "<b>x</b>", reason: "it is no number" }];
  const report = { rows: 3, good: 2, bad: 1, errors };
  const refused = () => problem(422, "bad-rows", "…", { report });
  const failed = events({ stage: "failed", progress: 100, message: "too few values" });
  const sent = opened({ "/api/v1/me": [me], "/retrain": [refused, failed] });
  choose();
  submit("retrain");
  await vi.waitFor(() => expect(isShown("rows")).toBe(true));
  expect([...at("row-errors").querySelectorAll("td")].map((cell) => cell.textContent)).toEqual([
    "2",
    "qty",
    "<b>x</b>",
    "it is no number",
  ]);
  expect(at("accept").textContent).toBe("Ambil 2 baris yang baik");
  at("accept").click();
  await vi.waitFor(() => expect(at("refusal").textContent).toBe("too few values"));
  expect((sent.at(-1) as { body: FormData }).body.get("accept_errors")).toBe("true");
  expect(isShown("done")).toBe(false);
});

it("shows what is in a file as soon as it is chosen, and asks what is not clear", async () => {
  const found = {
    rows: 9,
    understood: [
      { name: "Menge", field: "quantity", understood: "decimal comma", written: ["1.500"], read: ["1500"] },
      { name: "Beleg", field: null, understood: "not used", written: ["R1"], read: [""] },
    ],
    left_out: [{ line: 9, value: "Summe", reason: "it is a total" }],
    errors: [{ line: 10, column: "Menge", value: "x", reason: "it is no number" }],
    notes: ["3 rows were added up"],
    quantities: 6,
    first: "2025-01-06",
    last: "2025-01-11",
    step: "day",
    total: 9000,
  };
  const choices = [{ value: "comma", meaning: "1500" }];
  const unclear = () => problem(422, "unclear-file", "two ways", { option: "decimal", choices, found });
  const clear = () => Response.json(found);
  const sent = opened({ "/api/v1/me": [me], "/retrain": [unclear, clear, events({ stage: "result", progress: 100 })] });
  choose();
  at("file").dispatchEvent(new Event("change"));
  await vi.waitFor(() => expect(isShown("choices")).toBe(true));
  expect(at("refusal").textContent).toBe("two ways");
  at("choices").querySelector("button")?.click();
  await vi.waitFor(() => expect(isShown("choices")).toBe(false));
  await vi.waitFor(() => expect(isShown("found")).toBe(true));
  expect([...at("findings").children].map((line) => line.textContent)).toEqual([
    "9 → 6 (2025-01-06 – 2025-01-11, day): 9000",
    "Menge: quantity (decimal comma) 1.500 → 1500",
    "Beleg: – (not used) R1",
    "9: Summe: it is a total",
    "10: x: it is no number",
    "3 rows were added up",
  ]);
  submit("retrain");
  await vi.waitFor(() => expect(isShown("done")).toBe(true));
  const forms = sent.slice(1).map(({ body }) => body as FormData);
  expect(forms.map((form) => [form.get("check"), form.get("decimal")])).toEqual([
    ["true", null],
    ["true", "comma"],
    [null, "comma"],
  ]);
});

it("says when the hub does not answer, and when the stream breaks off", async () => {
  opened({ "/api/v1/me": [me], "/retrain": [() => Promise.reject(new TypeError("refused")), events()] });
  choose();
  submit("retrain");
  await vi.waitFor(() => expect(at("refusal").textContent).toMatch(/The hub does not answer/));
  submit("retrain");
  await vi.waitFor(() => expect(at("refusal").textContent).toMatch(/The connection broke off/));
});

it("speaks two languages alike", () => {
  const keys = [...script.matchAll(/^ {6}(\w+): /gm)].map(([, key]) => key);
  expect(keys.length).toBeGreaterThan(40);
  expect(keys.slice(0, keys.length / 2)).toEqual(keys.slice(keys.length / 2));
});
