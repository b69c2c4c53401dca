// One's own password, people and their roles, the audit log, and what the hub runs with.

import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import { formats } from "../../i18n/format";
import { answering, problem, show } from "../../testing/render";
import { AuditLog } from "./AuditLog";
import { Configuration } from "./Configuration";
import { passphrase } from "./passphrase";
import { Settings } from "./Settings";
import { Subscribers } from "./Subscribers";
import { Users } from "./Users";

const me = (role: string) => ({ "GET /api/v1/me": () => ({ user: "ida", role }) });
const user = (name: string, role: string) => ({ name, role, created_ms: 1, last_login_ms: null });
const list = { "GET /api/v1/users": () => [user("ida", "admin"), user("anna", "reviewer")] };
const click = async (name: string) => userEvent.click(await screen.findByRole("button", { name }));

it("shows people and the audit log to administrators alone", async () => {
  answering(me("viewer"));
  const { unmount } = await show(<Settings />);
  await screen.findByRole("tab", { name: "Configuration" });
  expect(screen.queryByRole("tab", { name: "People" })).toBeNull();
  unmount();
  answering(me("admin"));
  await show(<Settings />);
  await screen.findByRole("tab", { name: "People" });
  expect(screen.getAllByRole("tab").map((tab) => tab.textContent)).toEqual([
    "Password",
    "People",
    "Subscribers",
    "Audit log",
    "Configuration",
    "About",
  ]);
});

it("changes one's own password once it is right", async () => {
  let answer: () => unknown = () => problem(422, "wrong-password", "the old password is wrong");
  const requests = answering({
    ...me("viewer"),
    "GET /api/v1/limits": () => ({ password_characters: 10 }),
    "POST /api/v1/me/password": () => answer(),
  });
  await show(<Settings />);
  const type = (label: string, words: string) => userEvent.type(screen.getByLabelText(label), words);
  await screen.findByLabelText("Present password");
  await type("Present password", "the old one");
  await type("New password", "short");
  await screen.findByText("It has fewer than 10 characters");
  await type("New password", " but longer");
  await type("New password once more", "short but longe");
  await screen.findByText("It is not the same");
  expect(screen.getByRole("button", { name: "Change the password" }).hasAttribute("disabled")).toBe(true);
  await type("New password once more", "r");
  await click("Change the password");
  await screen.findByText("the old password is wrong");
  answer = () => new Response(null, { status: 204 });
  await click("Change the password");
  await screen.findByText(/The password is changed/);
  expect(await requests.at(-1)?.json()).toEqual({ old: "the old one", new: "short but longer" });
  expect((screen.getByLabelText("New password") as HTMLInputElement).value).toBe("");
});

it("adds a person, and shows the password once", async () => {
  const requests = answering({
    ...me("admin"),
    ...list,
    "POST /api/v1/users": () => Response.json(user("max", "reviewer"), { status: 201 }),
  });
  await show(<Users />);
  await screen.findByText("anna");
  await click("Add a person");
  const dialog = await screen.findByRole("dialog");
  await userEvent.type(within(dialog).getByLabelText("Name"), "Max");
  await within(dialog).findByText(/a letter or digit first/);
  await userEvent.clear(within(dialog).getByLabelText("Name"));
  await userEvent.type(within(dialog).getByLabelText("Name"), "max");
  await userEvent.click(within(dialog).getByRole("button", { name: "Add a person" }));
  await screen.findByText("Password of max");
  const sent = await requests.find((request) => request.method === "POST")?.json();
  expect(sent).toMatchObject({ name: "max", role: "reviewer" });
  expect(screen.getByLabelText("New password").textContent).toBe(sent.password);
});

it("changes the role of others, not one's own, and says why it does not work", async () => {
  const requests = answering({
    ...me("admin"),
    ...list,
    "PATCH /api/v1/users/anna": () => problem(409, "last-admin", "there must be an administrator"),
  });
  await show(<Users />);
  const own = await screen.findByLabelText("Role of ida", { selector: "input" });
  await waitFor(() => expect(own.hasAttribute("disabled")).toBe(true));
  await userEvent.click(screen.getByLabelText("Role of anna", { selector: "input" }));
  await userEvent.click(await screen.findByRole("option", { name: "Viewer" }));
  await screen.findByText("there must be an administrator");
  expect(await requests.find((request) => request.method === "PATCH")?.json()).toEqual({ role: "viewer" });
});

it("resets a password and removes a person after asking", async () => {
  const requests = answering({
    ...me("admin"),
    ...list,
    "PATCH /api/v1/users/anna": () => user("anna", "reviewer"),
    "DELETE /api/v1/users/anna": () => new Response(null, { status: 204 }),
  });
  await show(<Users />);
  await click("Reset password");
  const [, confirm] = await screen.findAllByRole("button", { name: "Reset password" });
  if (confirm) await userEvent.click(confirm);
  await screen.findByText("Password of anna");
  const sent = await requests.find((request) => request.method === "PATCH")?.json();
  expect(screen.getByLabelText("New password").textContent).toBe(sent.password);
  await click("I have noted it");
  await click("Remove");
  await screen.findByText("anna can no longer log in. What they labelled stays.");
  const [, remove] = await screen.findAllByRole("button", { name: "Remove" });
  if (remove) await userEvent.click(remove);
  await waitFor(() => expect(requests.some((request) => request.method === "DELETE")).toBe(true));
});

it("reads the audit log page by page", async () => {
  const entry = (id: number, what: string) => ({ id, at_ms: 0, who: "ida", what, detail: { bin: "b1", note: null } });
  const requests = answering({
    ...me("admin"),
    "GET /api/v1/audit": (request) =>
      new URL(request.url).searchParams.has("before")
        ? [entry(1, "some.thing_new")]
        : Array.from({ length: 50 }, (_, at) => entry(60 - at, "bin.enrolled")),
  });
  await show(<AuditLog />);
  expect(await screen.findAllByText("Enrolled a bin")).toHaveLength(50);
  await click("Show older entries");
  await screen.findByText("some.thing_new");
  expect(new URL(requests.at(-1)?.url ?? "").searchParams.get("before")).toBe("11");
  expect(screen.queryByRole("button", { name: "Show older entries" })).toBeNull();
  expect(screen.getAllByText("bin: b1")).toHaveLength(51);
});

it("says when nothing was done, and when the log cannot be read", async () => {
  answering({ "GET /api/v1/audit": () => [] });
  const { unmount } = await show(<AuditLog />);
  await screen.findByText("Nothing was done yet");
  unmount();
  answering({ "GET /api/v1/audit": () => problem(403, "forbidden", "it takes the role admin") });
  await show(<AuditLog />);
  await screen.findByText("it takes the role admin");
});

it("shows each setting with its unit and what changes it", async () => {
  const set = (name: string, value: unknown, unit: string | null, how: string | null, group = "storage") => ({
    group,
    name,
    value,
    unit,
    how,
  });
  answering({
    "GET /api/v1/settings": () => ({
      version: "0.1.0",
      demo: false,
      map_tiles: null,
      settings: [
        set("free_bytes", 2.5e9, "bytes", "--data DIR"),
        set("keep_unlabelled_days", null, "days", "--keep-unlabelled-days DAYS"),
        set("a_new_one", 0.125, "share", null, "newer"),
        set("trains_here", true, null, "--no-training"),
      ],
    }),
  });
  await show(<Configuration />);
  await screen.findByText("Storage and retention");
  const rows = screen.getAllByRole("row").map((row) => row.textContent);
  const { bytes, finePercent } = formats("en");
  expect(rows).toContain(`Room left${bytes(2.5e9)}--data DIR`);
  expect(rows).toContain("Images without a label are kept foroff--keep-unlabelled-days DAYS");
  expect(rows).toContain(`a_new_one${finePercent(0.125)}fixed`);
  expect(rows).toContain("The hub trains itselfyes--no-training");
});

it("draws passwords that are long and differ", () => {
  const drawn = new Set(Array.from({ length: 50 }, passphrase));
  expect(drawn.size).toBe(50);
  for (const password of drawn) expect(password).toMatch(/^([a-hjkmnp-z2-9]{4}-){3}[a-hjkmnp-z2-9]{4}$/);
});

it("adds somebody who listens over MQTT, and shows the secret once", async () => {
  const requests = answering({
    ...me("admin"),
    "GET /api/v1/subscribers": () => [{ name: "lab", samples: true, created_ms: 1 }],
    "POST /api/v1/subscribers": () => Response.json({ name: "display", secret: "s3cret" }, { status: 201 }),
  });
  await show(<Subscribers />);
  await screen.findByText("Events, status, health and images");
  await click("Add a subscriber");
  const dialog = await screen.findByRole("dialog");
  await userEvent.type(within(dialog).getByLabelText("Name"), "Display");
  await within(dialog).findByText("Only a–z, 0–9, _ and -");
  await userEvent.clear(within(dialog).getByLabelText("Name"));
  await userEvent.type(within(dialog).getByLabelText("Name"), "display");
  await userEvent.click(within(dialog).getByRole("button", { name: "Add a subscriber" }));
  await screen.findByText("Secret of display");
  expect(screen.getByLabelText("Secret").textContent).toBe("s3cret");
  const sent = await requests.find((request) => request.method === "POST")?.json();
  expect(sent).toEqual({ name: "display", samples: false });
});

it("looks for entries of the audit log", async () => {
  const requests = answering({ ...me("admin"), "GET /api/v1/audit": () => [] });
  await show(<AuditLog />);
  await screen.findByText("Nothing was done yet");
  await userEvent.selectOptions(screen.getByLabelText("What"), "Logins");
  await userEvent.type(screen.getByLabelText("Who"), "anna");
  await screen.findByText("Nothing of this kind was done then");
  await waitFor(() => {
    const asked = new URL(requests.at(-1)?.url ?? "").searchParams;
    expect([asked.get("what"), asked.get("who"), asked.get("from_ms")]).toEqual(["login.", "anna", null]);
  });
});
