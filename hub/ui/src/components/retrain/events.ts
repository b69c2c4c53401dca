// Server-sent events out of a stream that is cut anywhere, and what a training tells by them.

/** One event: its id, its name and its data, as the stream gives them. */
export interface ServerEvent {
  id: string;
  name: string;
  data: string;
}

/**
 * Reads `text/event-stream` piece by piece.
 * Source: https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export class EventReader {
  private rest = "";
  private id = "";
  private name = "";
  private data: string[] = [];

  /** Takes the next piece, and gives the events that are complete with it. */
  push(piece: string): ServerEvent[] {
    const events: ServerEvent[] = [];
    const text = this.rest + piece;
    // A carriage return at the very end may be the first half of a line's end.
    const whole = text.endsWith("\r") ? text.slice(0, -1) : text;
    const lines = whole.split(/\r\n|\n|\r/);
    this.rest = (lines.pop() ?? "") + text.slice(whole.length);
    for (const line of lines) {
      const event = this.take(line);
      if (event) events.push(event);
    }
    return events;
  }

  private take(line: string): ServerEvent | null {
    if (line === "") {
      const event = this.data.length > 0 ? { id: this.id, name: this.name, data: this.data.join("\n") } : null;
      this.name = "";
      this.data = [];
      return event;
    }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "id") this.id = value;
    if (field === "event") this.name = value;
    if (field === "data") this.data.push(value);
    return null;
  }
}

/** Something that a training did. */
export interface TrainingEvent {
  /** `validated`, `merged`, `prophet`, `lstm`, `products`, `saved`, `result`, `failed` or `cancelled`. */
  stage: string;
  /** In words. */
  message: string;
  /** Of the whole, 0 to 100. */
  progress: number;
  /** More, by stage. */
  data: Record<string, unknown>;
}

/** Whether nothing follows an event of this stage. */
export function isLast(stage: string): boolean {
  return stage === "result" || stage === "failed" || stage === "cancelled";
}

/** Reads events until the stream ends; `heard` gets each with the id of its training. */
export async function readEvents(
  body: ReadableStream<Uint8Array>,
  heard: (event: TrainingEvent, training: string) => void,
): Promise<void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const events = new EventReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    for (const { id, data } of events.push(decoder.decode(value, { stream: true }))) {
      heard(JSON.parse(data) as TrainingEvent, id.split("/")[0] ?? "");
    }
  }
}

/** A number out of the data of an event. */
export function figure(event: TrainingEvent, name: string): number | null {
  const value = event.data[name];
  return typeof value === "number" ? value : null;
}

/** The events for a log: of a network's epochs in a row, the last alone. */
export function condensed(events: readonly TrainingEvent[]): TrainingEvent[] {
  return events.filter((event, at) => {
    const next = events[at + 1];
    return !(next && continues(event, next));
  });
}

/** The losses of the network that is being trained, or was trained last. */
export function losses(events: readonly TrainingEvent[]): number[] {
  const epochs = events.filter((event) => event.stage === "lstm");
  const from = epochs.findLastIndex((event) => figure(event, "epoch") === 1);
  return epochs.slice(Math.max(from, 0)).flatMap((event) => figure(event, "loss") ?? []);
}

function continues(event: TrainingEvent, next: TrainingEvent): boolean {
  if (event.stage !== next.stage) return false;
  if (event.stage === "products") return true;
  return event.stage === "lstm" && (figure(next, "epoch") ?? 0) > (figure(event, "epoch") ?? 0);
}
