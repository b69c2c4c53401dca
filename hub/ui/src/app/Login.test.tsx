// Logging in, and logging in again over a page.

import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { api, unwrap } from "../api/client";
import { sessionExpired } from "../api/session";
import { answering, problem, show } from "../testing/render";
import { LoginPage } from "./Login";
import { LoginAgain } from "./LoginAgain";

it("tells a wrong password in words and keeps what was typed", async () => {
  answering({ "POST /api/v1/login": () => problem(401, "unauthorized", "name or password is wrong") });
  await show(<LoginPage />);
  await userEvent.type(screen.getByLabelText("Password"), "wrong password");
  await userEvent.click(screen.getByRole("button", { name: "Log in" }));
  expect((await screen.findByRole("alert")).textContent).toBe("Name or password is wrong.");
  expect(screen.getByLabelText<HTMLInputElement>("Password").value).toBe("wrong password");
});

it("passes on how long to wait after too many failures", async () => {
  answering({ "POST /api/v1/login": () => problem(429, "too-many", "too many failures: try again in 10 seconds") });
  await show(<LoginPage />);
  await userEvent.type(screen.getByLabelText("Password"), "x{Enter}");
  expect((await screen.findByRole("alert")).textContent).toContain("try again in 10 seconds");
});

it("sends what waited once the person has logged in again", async () => {
  let loggedIn = false;
  answering({
    "GET /api/v1/me": () => ({ user: "ida", role: "admin" }),
    "POST /api/v1/login": () => {
      loggedIn = true;
      return { user: "ida", role: "admin" };
    },
    "GET /api/v1/bins": () => (loggedIn ? [] : problem(401, "unauthorized", "log in first")),
  });
  const answer = unwrap(api.GET("/api/v1/bins"));
  await vi.waitFor(() => expect(sessionExpired()).toBe(true));
  await show(<LoginAgain />);
  await userEvent.type(await screen.findByLabelText("Name"), "ida");
  await userEvent.type(screen.getByLabelText("Password"), "right{Enter}");
  expect(await answer).toEqual([]);
  expect(sessionExpired()).toBe(false);
});

it("sends nothing of one person in the name of another", async () => {
  const assign = vi.spyOn(location, "assign").mockImplementation(() => {});
  let loggedIn = false;
  const requests = answering({
    "GET /api/v1/me": () => ({ user: "ida", role: "admin" }),
    "POST /api/v1/login": () => {
      loggedIn = true;
      return { user: "budi", role: "admin" };
    },
    "GET /api/v1/bins": () => (loggedIn ? [] : problem(401, "unauthorized", "log in first")),
  });
  const answer = unwrap(api.GET("/api/v1/bins")).catch((error: unknown) => error);
  await vi.waitFor(() => expect(sessionExpired()).toBe(true));
  await show(<LoginAgain />);
  await vi.waitFor(() => expect(requests.some((request) => request.url.endsWith("/me"))).toBe(true));
  await userEvent.type(await screen.findByLabelText("Name"), "budi");
  await userEvent.type(screen.getByLabelText("Password"), "right{Enter}");
  expect(await answer).toMatchObject({ status: 401 });
  expect(requests.filter((request) => request.url.endsWith("/bins"))).toHaveLength(1);
  expect(assign).toHaveBeenCalledWith("/");
});
