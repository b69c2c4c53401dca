// Answers take effect at once, go out in order, and can be taken back at each point of their way.

import { expect, it } from "vitest";
import { ApiError } from "../../api/problem";
import * as desk from "./desk";
import { item } from "./testing";

const glass: desk.Said = { action: "label", label: "glass" };
const begin = desk.given(
  desk.emptyDesk,
  ["a", "b", "c", "d"].map((id) => item(id)),
);
const ids = (items: readonly { sample: { id: string } }[]) => items.map((each) => each.sample.id).join("");
const tasks = (of: desk.Desk) =>
  of.outbox.map((task) => `${task.item.sample.id}:${task.said === "undo" ? "undo" : task.said.action}`).join(" ");
const held = new ApiError(409, "held", "budi has this sample in hand");

it("moves on with an answer", () => {
  const after = desk.say(begin, ["a"], glass);
  expect(ids(after.queue)).toBe("bcd");
  expect(tasks(after)).toBe("a:label");
});

it("does nothing for samples that are not there", () => {
  expect(desk.say(begin, ["x"], glass)).toBe(begin);
});

it("never shows again what is answered, although the hub still has it in hand", () => {
  const after = desk.given(
    desk.say(begin, ["a"], glass),
    ["a", "b", "c", "d", "e"].map((id) => item(id)),
  );
  expect(ids(after.queue)).toBe("bcde");
});

it("lets go of what is leased to nobody any more, but not of what is looked at", () => {
  expect(ids(desk.given(begin, [item("c"), item("e")]).queue)).toBe("ace");
  expect(ids(desk.gone(desk.gone(begin, "a"), "b").queue)).toBe("acd");
});

it("takes back silently what was not sent", () => {
  const after = desk.takeBack(desk.say(begin, ["a"], glass));
  expect(ids(after.queue)).toBe("abcd");
  expect(tasks(after)).toBe("");
});

it("tells the hub to take back what is on its way or was sent", () => {
  const onItsWay = desk.takeBack(desk.sending(desk.say(begin, ["a"], glass)));
  expect(tasks(onItsWay)).toBe("a:label a:undo");
  const wasSent = desk.takeBack(desk.sent(desk.sending(desk.say(begin, ["a"], glass))));
  expect(tasks(wasSent)).toBe("a:undo");
  expect(ids(wasSent.queue)).toBe("abcd");
});

it("takes back at once what was said at once, the last first", () => {
  let now = desk.say(begin, ["b", "c"], glass);
  now = desk.sent(desk.sending(desk.sent(desk.sending(now))));
  now = desk.takeBack(now);
  expect(tasks(now)).toBe("c:undo b:undo");
  expect(ids(now.queue)).toBe("bcad");
});

it("counts what the hub took", () => {
  let now = desk.say(desk.say(begin, ["a"], glass), ["b"], { action: "skip" });
  now = desk.sent(desk.sending(desk.sent(desk.sending(now))));
  expect(now.taken).toBe(1);
  now = desk.takeBack(desk.takeBack(now));
  expect(tasks(now)).toBe("b:undo a:undo");
});

it("keeps what has to wait in its place", () => {
  const now = desk.wait(desk.sending(desk.say(begin, ["a", "b"], glass)), new ApiError(0, "network", ""));
  expect(tasks(now)).toBe("a:label b:label");
  expect(now.outbox[0]?.tries).toBe(1);
  expect(now.stalled?.status).toBe(0);
});

it("gives a refused answer back with its reason, to send again, look at or forget", () => {
  const now = desk.refused(desk.sending(desk.say(begin, ["a"], glass)), held);
  expect(now.failed).toMatchObject([{ problem: { message: "budi has this sample in hand" } }]);
  const key = now.failed[0]?.task.key ?? 0;
  expect(tasks(desk.sendAgain(now, key))).toBe("a:label");
  expect(ids(desk.lookAgain(now, key).queue)).toBe("abcd");
  expect(desk.dismiss(now, key).failed).toEqual([]);
  // There is nothing to take back then.
  expect(desk.takeBack(desk.dismiss(now, key)).outbox).toEqual([]);
});

it("takes back a refused answer without the hub", () => {
  const now = desk.takeBack(desk.refused(desk.sending(desk.say(begin, ["a"], glass)), held));
  expect(now.failed).toEqual([]);
  expect(tasks(now)).toBe("");
  expect(ids(now.queue)).toBe("abcd");
});

it("takes the sample away again when it cannot be taken back, with what was said of it since", () => {
  let now = desk.takeBack(desk.sent(desk.sending(desk.say(begin, ["a"], glass))));
  now = desk.say(now, ["a"], { action: "label", label: "metal" });
  now = desk.refused(desk.sending(now), new ApiError(409, "superseded", "budi went on from there"));
  expect(ids(now.queue)).toBe("bcd");
  expect(tasks(now)).toBe("");
  expect(now.failed).toHaveLength(1);
});
