// Refusals become errors in words, and an expired session costs nothing.

import { expect, it, vi } from "vitest";
import { answering, problem } from "../testing/render";
import { api, unwrap } from "./client";
import { ApiError } from "./problem";
import { sessionExpired, sessionGivenUp, sessionRenewed } from "./session";

it("gives the data of an answer", async () => {
  answering({ "GET /api/v1/me": () => ({ user: "ida", role: "admin" }) });
  expect(await unwrap(api.GET("/api/v1/me"))).toEqual({ user: "ida", role: "admin" });
});

it("throws the hub's words for a refusal", async () => {
  answering({
    "GET /api/v1/bins": () => problem(422, "bad-name", "a name has at most 80 characters", { longest: 80 }),
  });
  const error = await unwrap(api.GET("/api/v1/bins")).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toMatchObject({ status: 422, kind: "bad-name", message: "a name has at most 80 characters" });
  expect((error as ApiError).extra).toEqual({ longest: 80 });
});

it("says that no answer came", async () => {
  vi.stubGlobal("fetch", async () => {
    throw new TypeError("refused");
  });
  await expect(unwrap(api.GET("/api/v1/bins"))).rejects.toMatchObject({ status: 0, kind: "network", isPassing: true });
});

it("sends a request once more after a new login, with its body", async () => {
  let loggedIn = false;
  const bodies: unknown[] = [];
  answering({
    "POST /api/v1/bins": async (request) => {
      bodies.push(await request.json());
      return loggedIn ? { id: "kitchen" } : problem(401, "unauthorized", "log in first");
    },
  });
  const answer = unwrap(api.POST("/api/v1/bins", { body: { id: "kitchen", name: "Kitchen" } }));
  await vi.waitFor(() => expect(sessionExpired()).toBe(true));
  loggedIn = true;
  sessionRenewed();
  expect(await answer).toEqual({ id: "kitchen" });
  expect(bodies).toEqual([
    { id: "kitchen", name: "Kitchen" },
    { id: "kitchen", name: "Kitchen" },
  ]);
});

it("fails what waits when the person leaves", async () => {
  answering({ "GET /api/v1/bins": () => problem(401, "unauthorized", "log in first") });
  const answer = unwrap(api.GET("/api/v1/bins"));
  await vi.waitFor(() => expect(sessionExpired()).toBe(true));
  sessionGivenUp();
  await expect(answer).rejects.toThrow();
});

it("takes an answer that was asked for early, once", async () => {
  window.pilahEarly = { "/api/v1/me": Promise.resolve(Response.json({ user: "early", role: "viewer" })) };
  answering({ "GET /api/v1/me": () => ({ user: "later", role: "viewer" }) });
  expect(await unwrap(api.GET("/api/v1/me"))).toMatchObject({ user: "early" });
  expect(await unwrap(api.GET("/api/v1/me"))).toMatchObject({ user: "later" });
});
