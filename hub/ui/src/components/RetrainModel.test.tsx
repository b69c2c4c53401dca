// The component by itself: a streamed answer, a refusal, an end in the middle, and the ways on from each.

import { MantineProvider } from "@mantine/core";
import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { expect, it, vi } from "vitest";
import { problem } from "../testing/render";
import { RetrainModel, type RetrainModelProps } from "./RetrainModel";
import { describe, textsOf } from "./retrain/text";

const event = (at: number, stage: string, progress: number, data: object = {}, message = stage) =>
  `id: t1/${at}\nevent: ${stage}\ndata: ${JSON.stringify({ stage, message, progress, data })}\n\n`;

const beginning =
  event(0, "validated", 1, { good: 1000, rows: 1000, note: "Größe – 缶" }) +
  event(1, "merged", 3, { new: 10, updated: 2, unchanged: 988 }) +
  event(2, "lstm", 10, { epoch: 1, epochs: 60, loss: 0.51 }) +
  event(3, "lstm", 30, { epoch: 47, epochs: 60, loss: 0.123456 });

const ending =
  event(4, "prophet", 50) +
  event(5, "products", 90, { done: 3, of: 3 }) +
  event(6, "saved", 99, { bytes: 1234 }) +
  event(7, "result", 100, { training: "t1" });

/** An answer whose pieces come when the test sends them. */
function streamed() {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const body = new ReadableStream<Uint8Array>({
    start: (own) => {
      controller = own;
    },
  });
  return {
    answer: new Response(body, { headers: { "content-type": "text/event-stream" } }),
    /** Sends it cut into pieces of so many bytes: characters of several bytes are cut too. */
    send: (text: string, size = 7) => {
      const bytes = new TextEncoder().encode(text);
      for (let at = 0; at < bytes.length; at += size) controller?.enqueue(bytes.slice(at, at + size));
    },
    close: () => controller?.close(),
    fail: () => controller?.error(new TypeError("reset")),
  };
}

async function shown(props: Partial<RetrainModelProps> & Pick<RetrainModelProps, "send">, file: File | null = csv()) {
  const onDone = vi.fn();
  const { container } = render(
    <MantineProvider env="test">
      <RetrainModel endpoint="/retrain" fileTypes={[".csv", "text/csv"]} onDone={onDone} {...props} />
    </MantineProvider>,
  );
  const input = container.querySelector<HTMLInputElement>("input[type=file]");
  if (file && input) await userEvent.setup({ applyAccept: false }).upload(input, file);
  return { onDone };
}

const csv = (content = "date,quantity\n", name = "sales.csv") => new File([content], name, { type: "text/csv" });
const button = (name: string | RegExp) => screen.getByRole("button", { name });
const click = (name: string | RegExp) => userEvent.click(button(name));

it("sends the file with its fields, shows the stages as they come, and gives the result", async () => {
  const stream = streamed();
  const send = vi.fn(async (_: Request) => stream.answer);
  const { onDone } = await shown({ send, fields: { dates: "DD/MM/YYYY" } });
  await click("Upload and train");
  const request = send.mock.calls[0]?.[0];
  expect([request?.method, new URL(request?.url ?? "").pathname]).toEqual(["POST", "/retrain"]);
  expect(request?.headers.get("X-Pilah-CSRF")).toBe("1");

  stream.send(beginning);
  const learning = "The network learns: epoch 47 of 60, loss 0.1235";
  await waitFor(() => expect(screen.getByRole("status").textContent).toBe(learning));
  expect(screen.getByRole("progressbar").getAttribute("aria-valuenow")).toBe("30");
  const log = [...screen.getByRole("log").querySelectorAll("li")].map((line) => line.textContent);
  expect(log.slice(0, 2)).toEqual(["1,000 of 1,000 rows are good", "10 rows are new, 2 changed, 988 as they were"]);
  const added = { stage: "validated", message: "", progress: 1, data: { good: 9, rows: 9, added_up: 4 } };
  expect(describe(added, textsOf("en"))).toBe(
    "9 of 9 rows are good; 4 were added to others of the same date, product and store",
  );
  expect(log).toHaveLength(3);

  stream.send(ending, 1);
  stream.close();
  await screen.findByText("Done");
  expect(onDone).toHaveBeenCalledExactlyOnceWith({ training: "t1" });
});

it("speaks Indonesian", async () => {
  const stream = streamed();
  await shown({ send: async () => stream.answer, language: "id" });
  await click("Unggah dan latih");
  stream.send(beginning);
  await waitFor(() =>
    expect(screen.getByRole("status").textContent).toBe("Jaringan belajar: epoch 47 dari 60, galat 0,1235"),
  );
});

it("shows the rows that cannot be read, and goes on without them", async () => {
  const errors = [
    { line: 2, column: "quantity", value: "x", reason: "it is no number" },
    { line: 9, column: "date", value: "31/02/2025", reason: "there is no such day" },
  ];
  const stream = streamed();
  const send = vi
    .fn(async (_: Request) => stream.answer)
    .mockResolvedValueOnce(problem(422, "bad-rows", "…", { report: { rows: 40, good: 37, bad: 3, errors } }));
  const { onDone } = await shown({ send });
  await click("Upload and train");
  expect(await screen.findByText("3 of 40 rows cannot be read")).toBeTruthy();
  expect(screen.getByText("The first 2 of them:")).toBeTruthy();
  const cells = screen.getAllByRole("cell").map((cell) => cell.textContent);
  expect(cells.slice(4)).toEqual(["9", "date", "31/02/2025", "there is no such day"]);

  await click("Take the 37 good rows");
  const form = await send.mock.calls[1]?.[0].formData();
  expect(form?.get("accept_errors")).toBe("true");
  expect(form?.get("file")).toHaveProperty("name", "sales.csv");
  stream.send(event(0, "result", 100));
  await waitFor(() => expect(onDone).toHaveBeenCalled());
});

it("offers no way around bad rows where the server has none, or no row is good", async () => {
  const report = { rows: 2, good: 0, bad: 2, errors: [] };
  await shown({ send: async () => problem(422, "bad-rows", "…", { report }) });
  await click("Upload and train");
  await screen.findByText(/No row is good/);
  expect(screen.queryByRole("button", { name: /Take/ })).toBeNull();
});

it("says why the server refuses, and tries again", async () => {
  const stream = streamed();
  const send = vi
    .fn(async (_: Request) => stream.answer)
    .mockResolvedValueOnce(problem(400, "bad-option", "the field epochs is 0, and must be 1 to 1000"))
    .mockRejectedValueOnce(new TypeError("refused"))
    .mockResolvedValueOnce(problem(401, "unauthorized", "log in first"));
  const { onDone } = await shown({ send });
  await click("Upload and train");
  await screen.findByText("the field epochs is 0, and must be 1 to 1000");
  await click("Try again");
  await screen.findByText(/There is no answer/);
  await click("Try again");
  await screen.findByText(/You are not logged in/);
  await click("Try again");
  stream.send(event(0, "result", 100));
  await waitFor(() => expect(onDone).toHaveBeenCalled());
});

it("tells a failure in the middle in the server's words", async () => {
  const stream = streamed();
  const { onDone } = await shown({ send: async () => stream.answer });
  await click("Upload and train");
  stream.send(beginning + event(4, "failed", 100, {}, "3 values are too few: it takes 20 or more"));
  stream.close();
  await screen.findByText("3 values are too few: it takes 20 or more");
  expect(button("Try again").hasAttribute("disabled")).toBe(false);
  expect(onDone).not.toHaveBeenCalled();
});

it("asks how far it is when the connection breaks, until it is over", async () => {
  const stream = streamed();
  const answers = [
    () => Promise.reject(new TypeError("refused")),
    async () => Response.json({ state: "running", last: { stage: "prophet", message: "", progress: 50, data: {} } }),
    async () => Response.json({ state: "succeeded", last: null, report: { training: "t1" } }),
  ];
  const asked: string[] = [];
  const send = async (request: Request) => {
    const path = new URL(request.url).pathname;
    if (path === "/retrain") return stream.answer;
    asked.push(path);
    return (answers.shift() ?? (() => Promise.reject(new Error("asked after the end"))))();
  };
  const { onDone } = await shown({ send, statusEndpoint: (training) => `/trainings/${training}` });
  await click("Upload and train");
  stream.send(beginning);
  await screen.findByText(/epoch 47/, { selector: "[role=status]" });
  stream.fail();
  await screen.findByText(/The connection broke off/);
  await waitFor(() => expect(onDone).toHaveBeenCalledExactlyOnceWith({ training: "t1" }), { timeout: 8000 });
  expect(asked).toEqual(["/trainings/t1", "/trainings/t1", "/trainings/t1"]);
});

it("says so when the connection breaks and nobody can be asked", async () => {
  const stream = streamed();
  await shown({ send: async () => stream.answer });
  await click("Upload and train");
  stream.send(beginning);
  await screen.findByText(/epoch 47/, { selector: "[role=status]" });
  stream.close();
  await screen.findByText(/There is no answer/);
});

it("watches the training that runs already", async () => {
  const send = async (request: Request) =>
    new URL(request.url).pathname === "/retrain"
      ? problem(409, "training-runs", "training t7 is running", { training: "t7" })
      : Response.json({ state: "failed", error: "the hub ended while it ran" });
  await shown({ send, statusEndpoint: (training) => `/trainings/${training}` });
  await click("Upload and train");
  await screen.findByText(/A training runs already/);
  await click("Watch it");
  await screen.findByText("the hub ended while it ran");
});

it("ends the training on the server, and says so once it has ended", async () => {
  const stream = streamed();
  const asked: string[] = [];
  const send = async (request: Request) => {
    asked.push(`${request.method} ${new URL(request.url).pathname}`);
    return asked.length === 1 ? stream.answer : new Response(null, { status: 202 });
  };
  await shown({ send, cancelEndpoint: (training) => `/trainings/${training}/cancel` });
  await click("Upload and train");
  stream.send(beginning);
  await screen.findByText(/epoch 47/, { selector: "[role=status]" });
  await click("Cancel");
  await waitFor(() => expect(asked.at(-1)).toBe("POST /trainings/t1/cancel"));
  expect(button("Ends soon").hasAttribute("disabled")).toBe(true);
  stream.send(event(4, "cancelled", 100));
  await screen.findByText(/What was trained before goes on to answer/);
});

it("stops watching where the server has no way to end a training", async () => {
  const stream = streamed();
  await shown({ send: async () => stream.answer });
  await click("Upload and train");
  stream.send(beginning);
  await screen.findByText(/epoch 47/, { selector: "[role=status]" });
  await click("Cancel");
  await screen.findByText(/The training goes on/);
});

it("trains what is stored without a file", async () => {
  const stream = streamed();
  const send = vi.fn(async (_: Request) => stream.answer);
  await shown({ send, mayTrainStored: true }, null);
  expect(button("Upload and train").hasAttribute("disabled")).toBe(true);
  await click("Train what is stored");
  expect((await send.mock.calls[0]?.[0].formData())?.get("file")).toBeNull();
});

it.each([
  [new File(["x"], "photo.jpg", { type: "image/jpeg" }), /photo.jpg is not one of .csv/],
  [csv(""), /sales.csv is empty/],
  [csv("x".repeat(11)), /sales.csv has 1 MB; at most 0 MB/],
])("does not send %s", async (file, words) => {
  const send = vi.fn();
  await shown({ send, mostBytes: 10 }, file);
  expect((await screen.findByRole("alert")).textContent).toMatch(words);
  expect(button("Upload and train").hasAttribute("disabled")).toBe(true);
});

const findings = {
  rows: 41,
  good: 40,
  bad: 0,
  errors: [],
  understood: [
    { name: "Datum", field: "date", understood: "day-month-year", written: ["06.01.2025"], read: ["2025-01-06"] },
    { name: "Zeug", field: "product_id", understood: "names", written: ["Glas"], read: ["Glas"] },
    { name: "Menge", field: "quantity", understood: "decimal comma", written: ["1.500"], read: ["1500"] },
    { name: "Beleg", field: null, understood: "not used: nothing is known of it", written: ["R1"], read: [""] },
  ],
  quantities: 20,
  added_up: 20,
  repeated: 3,
  left_out: [{ line: 42, value: "Summe | 9", reason: "it is a total" }],
  left_out_lines: 1,
  products: 2,
  stores: 1,
  first: "2025-01-06",
  last: "2025-01-25",
  step: "day",
  total: 4321.5,
  notes: ["rows of one date are told apart by the column Zeug"],
};

/** Sends checks to `check`, and keeps the fields of each form. */
function checking(check: () => Response) {
  const forms: Record<string, unknown>[] = [];
  const send = async (request: Request) => {
    const form = Object.fromEntries(await request.clone().formData());
    forms.push(form);
    return form.check === "true" ? check() : new Response(event(0, "result", 100));
  };
  return { forms, send };
}

function Stateful(props: Partial<RetrainModelProps> & Pick<RetrainModelProps, "send">) {
  const [fields, setFields] = useState<Record<string, string>>({});
  return (
    <MantineProvider env="test">
      <RetrainModel
        endpoint="/retrain"
        fileTypes={[".csv"]}
        onDone={() => {}}
        checkField="check"
        fields={fields}
        onFields={setFields}
        {...props}
      />
    </MantineProvider>
  );
}

async function choose(container: HTMLElement, file = csv()) {
  const input = container.querySelector<HTMLInputElement>("input[type=file]");
  if (input) await userEvent.setup({ applyAccept: false }).upload(input, file);
}

it("shows what is in a file before anything is taken over, and reads it as a person says", async () => {
  const { forms, send } = checking(() => Response.json(findings));
  const { container } = render(<Stateful send={send} />);
  await choose(container);
  expect(await screen.findByText("40 of 41 rows are understood; they make 20 quantities.")).toBeTruthy();
  expect(screen.getByText("20 rows were added to another one of the same date, product and store.")).toBeTruthy();
  expect(screen.getByText("1 lines are no data and are left out, such as line 42: Summe | 9")).toBeTruthy();
  expect(screen.getByText(/told apart by the column Zeug/)).toBeTruthy();
  const row = screen.getByRole("row", { name: /Menge/ });
  expect(row.textContent).toMatch(/1\.500.*1500.*decimal comma/);
  expect(forms).toEqual([{ check: "true", file: expect.anything() }]);

  await userEvent.selectOptions(screen.getByLabelText("What Zeug is"), "Store");
  await waitFor(() => expect(forms.at(-1)).toMatchObject({ check: "true", columns: "Zeug=store" }));
  await screen.findByText(/40 of 41/);
  await click("Upload and train");
  await screen.findByText("Done");
  expect(forms.at(-1)).toEqual({ columns: "Zeug=store", file: expect.anything() });
});

it("asks where a file can be meant in two ways, and goes on with the answer", async () => {
  const words = "1.500 could be read in two ways: state decimal=comma (1500) or decimal=point (1.5)";
  const choices = [
    { value: "comma", meaning: "1500" },
    { value: "point", meaning: "1.5" },
  ];
  const unclear = { option: "decimal", choices, found: findings };
  const answers = [() => problem(422, "unclear-file", words, unclear), () => Response.json(findings)];
  const { forms, send } = checking(() => (answers.shift() ?? (() => new Response(null, { status: 500 })))());
  const { container } = render(<Stateful send={send} />);
  await choose(container);
  await screen.findByText(words);
  expect(button("Upload and train").hasAttribute("disabled")).toBe(true);
  await click("comma: 1500");
  await screen.findByText(/40 of 41/);
  expect(forms.at(-1)).toMatchObject({ check: "true", decimal: "comma" });
  expect(button("Upload and train").hasAttribute("disabled")).toBe(false);
});

it("lets a person say which column is the date, and forgets it with the next file", async () => {
  const missing = { option: "columns", found: findings };
  const { forms, send } = checking(() => problem(422, "bad-file", "there is no column for date", missing));
  const { container } = render(<Stateful send={send} language="id" />);
  await choose(container);
  await screen.findByText("there is no column for date");
  await userEvent.selectOptions(screen.getByLabelText("Arti Beleg"), "Tanggal");
  await waitFor(() => expect(forms.at(-1)).toMatchObject({ columns: "Beleg=date" }));
  await choose(container, csv("date,quantity\n", "other.csv"));
  await waitFor(() => expect(forms.at(-1)?.columns).toBeUndefined());
});
