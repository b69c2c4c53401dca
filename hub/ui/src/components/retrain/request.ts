// The requests of a retraining: the file as a form, how far a training is, and its end before its time.

import { isLast, readEvents, type TrainingEvent } from "./events";

/** A row of the file that cannot be read. */
export interface RowError {
  /** The line that it starts in, counted from 1. */
  line: number;
  column: string;
  value: string;
  /** What is wrong with it, and how to mend it. */
  reason: string;
}

/** What was found in a file. */
export interface FileReport {
  rows: number;
  good: number;
  bad: number;
  /** The first of the bad rows. */
  errors: RowError[];
}

/** A column of the file, and what it is taken for. */
export interface FileColumn {
  name: string;
  /** Null if it is not used. */
  field: string | null;
  /** How it is read, or why it is not used, in the server's words. */
  understood: string;
  /** The first different values as they stand there, and as they are read. */
  written: string[];
  read: string[];
}

/** What was found in a file before anything is taken over. */
export interface Findings extends FileReport {
  understood: FileColumn[];
  quantities: number;
  added_up: number;
  repeated: number;
  left_out: { line: number; value: string; reason: string }[];
  left_out_lines: number;
  products: number;
  stores: number;
  first: string;
  last: string;
  step: string;
  total: number;
  notes: string[];
}

/** A way to answer what is not clear in a file: the value of a field of the form. */
export interface Choice {
  value: string;
  meaning: string;
}

/** Why there is no training. */
export class Refusal extends Error {
  /** HTTP status; 0 if no answer came. */
  readonly status: number;
  /** The bad rows, if they are why. */
  readonly report: FileReport | null;
  /** The training that runs already, if that is why. */
  readonly running: string | null;
  /** The field of the form by which what is not clear is answered, and the answers. */
  readonly option: string | null;
  readonly choices: Choice[];
  /** What was found in the file all the same. */
  readonly found: Findings | null;

  constructor(status: number, words: string, body: Record<string, unknown> = {}) {
    super(words);
    this.name = "Refusal";
    this.status = status;
    const { report, training, option, choices, found } = body;
    const isReport = typeof report === "object" && report !== null && Array.isArray((report as FileReport).errors);
    this.report = isReport ? (report as FileReport) : null;
    this.running = typeof training === "string" ? training : null;
    this.option = typeof option === "string" ? option : null;
    this.choices = Array.isArray(choices) ? (choices as Choice[]) : [];
    this.found = typeof found === "object" && found !== null ? (found as Findings) : null;
  }
}

/** Where to send, and how. */
export interface Target {
  endpoint: string;
  headers: Record<string, string>;
  send: (request: Request) => Promise<Response>;
}

/** Sends a form, and hears what the training tells until its last event. Gives whether that came. */
export async function startTraining(
  target: Target,
  form: FormData,
  signal: AbortSignal,
  heard: (event: TrainingEvent, training: string) => void,
): Promise<boolean> {
  const answer = await ask(target, target.endpoint, { method: "POST", body: form, signal });
  let over = false;
  try {
    if (answer.body) {
      await readEvents(answer.body, (event, training) => {
        over ||= isLast(event.stage);
        heard(event, training);
      });
    }
  } catch (cause) {
    // A connection that breaks is told by the missing last event.
    if (signal.aborted || cause instanceof SyntaxError) throw cause;
  }
  return over;
}

/** What is in a file, without taking anything over. */
export async function checkFile(target: Target, form: FormData, signal: AbortSignal): Promise<Findings> {
  return (await (await ask(target, target.endpoint, { method: "POST", body: form, signal })).json()) as Findings;
}

/** How far a training is: its last event, or what came of it. */
export async function trainingNow(target: Target, url: string, signal: AbortSignal): Promise<TrainingEvent | null> {
  const status = (await (await ask(target, url, { signal })).json()) as {
    state: string;
    last: TrainingEvent | null;
    report: Record<string, unknown> | null;
    error: string | null;
  };
  if (status.state === "succeeded") return { stage: "result", message: "", progress: 100, data: status.report ?? {} };
  if (status.state === "running") return status.last;
  return { stage: status.state, message: status.error ?? "", progress: 100, data: {} };
}

/** Asks for the end of a training. */
export async function endTraining(target: Target, url: string): Promise<void> {
  await ask(target, url, { method: "POST" });
}

async function ask(target: Target, url: string, init: RequestInit): Promise<Response> {
  const request = new Request(new URL(url, location.href), {
    ...init,
    headers: { ...target.headers, Accept: "text/event-stream, application/json" },
    credentials: "same-origin",
  });
  let answer: Response;
  try {
    answer = await target.send(request);
  } catch (cause) {
    if (init.signal?.aborted) throw cause;
    throw new Refusal(0, "");
  }
  if (answer.ok) return answer;
  const body = (await answer.json().catch(() => ({}))) as Record<string, unknown>;
  throw new Refusal(answer.status, typeof body.detail === "string" ? body.detail : `HTTP ${answer.status}`, body);
}
