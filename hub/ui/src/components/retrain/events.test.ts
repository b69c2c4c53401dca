// Events come out whole, wherever the stream is cut.

import { expect, it } from "vitest";
import { condensed, EventReader, figure, losses, type TrainingEvent } from "./events";

const stream = [
  ": keep-alive\n\n",
  'id: t1/0\nevent: validated\ndata: {"stage":"validated"}\n\n',
  "event: two\r\ndata: first\r\ndata:second\r\n\r\n",
  "retry: 10\nid\ndata\n\n",
  "event: never\n\n",
  "data: cut off",
].join("");

const expected = [
  { id: "t1/0", name: "validated", data: '{"stage":"validated"}' },
  { id: "t1/0", name: "two", data: "first\nsecond" },
  { id: "", name: "", data: "" },
];

it("reads a stream in one piece", () => expect(new EventReader().push(stream)).toEqual(expected));

it("reads a stream that is cut anywhere", () => {
  for (let cut = 0; cut <= stream.length; cut++) {
    const reader = new EventReader();
    expect([...reader.push(stream.slice(0, cut)), ...reader.push(stream.slice(cut))], `cut at ${cut}`).toEqual(
      expected,
    );
  }
  const reader = new EventReader();
  expect([...stream].flatMap((letter) => reader.push(letter))).toEqual(expected);
});

const event = (stage: string, data: Record<string, unknown> = {}): TrainingEvent => ({
  stage,
  message: stage,
  progress: 0,
  data,
});
const epoch = (at: number, loss: number) => event("lstm", { epoch: at, epochs: 3, loss });

it("keeps the last epoch of each run in the log", () => {
  const events = [event("merged"), epoch(1, 9), epoch(2, 8), event("prophet"), epoch(1, 7), epoch(3, 5), epoch(1, 4)];
  expect(condensed(events).map((each) => [each.stage, figure(each, "epoch")])).toEqual([
    ["merged", null],
    ["lstm", 2],
    ["prophet", null],
    ["lstm", 3],
    ["lstm", 1],
  ]);
  expect(condensed([])).toEqual([]);
});

it("gives the losses of the last run", () => {
  expect(losses([epoch(1, 9), epoch(2, 8), event("prophet"), epoch(1, 7), epoch(2, 5)])).toEqual([7, 5]);
  expect(losses([event("merged")])).toEqual([]);
});
