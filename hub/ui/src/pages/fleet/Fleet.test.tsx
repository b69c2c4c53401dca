// The list, the enrolment, and what each role may ask of a bin.

import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it, vi } from "vitest";
import { answering, problem, show } from "../../testing/render";
import { BinPage } from "./Bin";
import { Fleet } from "./Fleet";

const me = (role: string) => ({ "GET /api/v1/me": () => ({ user: "ida", role }) });
const bin = (id: string, more: object = {}) => ({
  id,
  name: `Bin ${id}`,
  created_ms: 1_700_000_000_000,
  last_seen_ms: null,
  online: true,
  model: "m1",
  desired_model: "m1",
  camera: "streaming",
  last_item: null,
  telemetry: null,
  update: null,
  group: null,
  place: null,
  conflicts: 0,
  conflict_ms: null,
  takeovers: 0,
  takeover_ms: null,
  ...more,
});
const settings = {
  "GET /api/v1/settings": () => ({
    version: "0.1.0",
    demo: false,
    map_tiles: null,
    settings: [{ group: "broker", name: "broker_address", value: "mqtt://broker:1883", unit: null, how: null }],
  }),
};
const item = (id: number, more: object = {}) => ({
  id,
  bin: "b1",
  at_ms: 1_700_000_000_000 + id,
  sure: true,
  label: "glass",
  confidence: 0.987,
  model: "m1",
  latency_ms: 40,
  truth: "glass",
  truth_source: "virtual",
  ...more,
});
const page = (one: object) => ({
  ...settings,
  "GET /api/v1/bins/b1": () => one,
  "GET /api/v1/events": () => [item(2, { sure: false, label: "paper" }), item(1)],
  "GET /api/v1/search": () => ({ hits: [], next: null }),
});

beforeEach(() => {
  // The list draws what is in view; the document of the tests has no size of its own.
  vi.stubGlobal("innerHeight", 900);
});

it("lists the bins and counts those to look at", async () => {
  answering({ ...me("viewer"), "GET /api/v1/bins": () => [bin("b1"), bin("b2", { online: false })] });
  await show(<Fleet />);
  await screen.findByText("2 bins · 1 connected · 1 to look at");
  expect(screen.getByRole("columnheader", { name: "Bin" }).getAttribute("aria-sort")).toBe("ascending");
  expect(screen.queryByRole("button", { name: "Enrol a bin" })).toBeNull();
  await userEvent.type(screen.getByLabelText("Name, id, group or address"), "nowhere");
  await screen.findByText("No bin is like that");
  await userEvent.click(screen.getByRole("button", { name: "Show all bins" }));
  expect(screen.queryByText("No bin is like that")).toBeNull();
});

it("says what to do while there is no bin, and when the hub fails", async () => {
  let bins: () => unknown = () => [];
  answering({ ...me("viewer"), "GET /api/v1/bins": () => bins() });
  const { unmount } = await show(<Fleet />);
  await screen.findByText("An administrator can enrol one.");
  unmount();
  bins = () => problem(500, "internal", "the database failed");
  await show(<Fleet />);
  await screen.findByText("the database failed");
});

it("enrols a bin, and shows its secret with the lines of its configuration", async () => {
  let taken = true;
  const requests = answering({
    ...me("admin"),
    ...settings,
    "GET /api/v1/bins": () => [],
    "POST /api/v1/bins": () =>
      taken
        ? problem(409, "bin-exists", "bin kitchen is enrolled already")
        : Response.json(
            { id: "kitchen", secret: "s3cr3t", client_id: "kitchen", root_of_trust: '{"signed":"ü"}' },
            { status: 201 },
          ),
  });
  await show(<Fleet />);
  await userEvent.click(await screen.findByRole("button", { name: "Enrol a bin" }));
  const dialog = await screen.findByRole("dialog");
  await userEvent.type(within(dialog).getByLabelText("Id"), "Kitchen");
  await within(dialog).findByText("Only a–z, 0–9, _ and -");
  await userEvent.clear(within(dialog).getByLabelText("Id"));
  await userEvent.type(within(dialog).getByLabelText("Id"), "kitchen");
  await userEvent.type(within(dialog).getByLabelText("Name"), "The kitchen");
  await userEvent.click(within(dialog).getByRole("button", { name: "Enrol a bin" }));
  await within(dialog).findByText("bin kitchen is enrolled already");
  taken = false;
  await userEvent.click(within(dialog).getByRole("button", { name: "Enrol a bin" }));
  await within(dialog).findByText("s3cr3t");
  expect(within(dialog).getByLabelText("Configuration").textContent).toContain('url = "mqtt://broker:1883"');
  expect(within(dialog).getByLabelText("Configuration").textContent).toContain('root = "/etc/pilah/root.json"');
  const root = within(dialog).getByRole("link", { name: "Root of trust (root.json)" }).getAttribute("href");
  expect(root?.split(",").slice(1).map(decodeURIComponent)).toEqual(['{"signed":"ü"}']);
  const sent = requests.filter((request) => request.method === "POST");
  expect(await sent.at(-1)?.json()).toEqual({ id: "kitchen", name: "The kitchen" });
  await userEvent.click(within(dialog).getByRole("button", { name: "I have noted the secret" }));
  await waitFor(() => expect(screen.queryByText("s3cr3t")).toBeNull());
});

it("shows what a bin sees and how it is, and asks nothing of it for a viewer", async () => {
  const telemetry = { at: "2026-11-23T07:50:02Z", temperature_c: 81, clock_synced: false, fill: 0.4 };
  answering({ ...me("viewer"), ...page(bin("b1", { telemetry, group: "Centre", update: "refused m2: no classes" })) });
  await show(<BinPage id="b1" />);
  await screen.findByRole("heading", { name: "Bin b1" });
  await screen.findByText("sure of 50% · right on 50% of 2 whose truth is known · 40ms per decision");
  expect(screen.getByText("81 °C")).toBeTruthy();
  expect(screen.getByText("refused m2: no classes")).toBeTruthy();
  expect(screen.getByText("Nobody has said yet where it stands.")).toBeTruthy();
  for (const name of ["Identify", "Restart", "Retire", "Save"]) {
    expect(screen.queryByRole("button", { name }), name).toBeNull();
  }
});

it("asks a bin to identify itself, and gives its answer or why there is none", async () => {
  let answer: () => unknown = () => ({ what: "the light blinks", about: null });
  const requests = answering({
    ...me("admin"),
    ...page(bin("b1")),
    "POST /api/v1/bins/b1/commands": () => answer(),
  });
  await show(<BinPage id="b1" />);
  await userEvent.click(await screen.findByRole("button", { name: "Identify" }));
  await screen.findByText(/the light blinks/);
  expect(await requests.find((request) => request.method === "POST")?.json()).toEqual({ command: "identify" });
  answer = () => problem(503, "no-answer", "bin b1 has not answered within 15 s");
  await userEvent.click(screen.getByRole("button", { name: "Capture now" }));
  await screen.findByText("bin b1 has not answered within 15 s");
  expect(screen.queryByText(/the light blinks/)).toBeNull();
});

it("asks nothing of a bin that is not connected", async () => {
  answering({ ...me("admin"), ...page(bin("b1", { online: false })) });
  await show(<BinPage id="b1" />);
  expect((await screen.findByRole("button", { name: "Identify" })).hasAttribute("disabled")).toBe(true);
  await screen.findByText("Commands take a connection.");
});

it("tells of two programs under one id, and of numbers that were used twice", async () => {
  const last_seen_ms = 1_700_000_000_000;
  const odd = { last_seen_ms, takeovers: 7, takeover_ms: last_seen_ms, conflicts: 3, conflict_ms: last_seen_ms };
  answering({ ...me("viewer"), ...page(bin("b1", odd)) });
  await show(<BinPage id="b1" />);
  await screen.findByText(/pushed each other off the broker 7 times/);
  await screen.findByText(/3 items or pictures came under numbers that others had/);
  await screen.findByText("Two bins, one id +1");
});

it("says where a bin stands", async () => {
  const requests = answering({
    ...me("admin"),
    ...page(bin("b1")),
    "PATCH /api/v1/bins/b1": () => bin("b1", { name: "Door" }),
  });
  await show(<BinPage id="b1" />);
  const name = await screen.findByLabelText("Name");
  await userEvent.clear(name);
  await userEvent.type(name, "Door");
  await userEvent.type(screen.getByLabelText("Latitude"), "-6.2");
  expect(screen.getByRole("button", { name: "Save" }).hasAttribute("disabled")).toBe(true);
  await userEvent.type(screen.getByLabelText("Longitude"), "106.8");
  await userEvent.click(screen.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(requests.some((request) => request.method === "PATCH")).toBe(true));
  const sent = await requests.find((request) => request.method === "PATCH")?.json();
  expect(sent).toEqual({ name: "Door", group: null, place: { latitude: -6.2, longitude: 106.8, address: null } });
});

it("says so when there is no such bin", async () => {
  answering({ ...me("admin"), "GET /api/v1/bins/b9": () => problem(404, "not-found", "no bin b9 is enrolled") });
  await show(<BinPage id="b9" />);
  await screen.findByText("There is no bin b9");
});
