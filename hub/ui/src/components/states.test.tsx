// What a page shows before, instead of, and around its content.

import { useQuery } from "@tanstack/react-query";
import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import { api, unwrap } from "../api/client";
import { answering, problem, show } from "../testing/render";
import { Loaded, Needs } from "./states";

function Bins() {
  const query = useQuery({ queryKey: ["bins"], queryFn: () => unwrap(api.GET("/api/v1/bins")) });
  return <Loaded query={query}>{(bins) => <p>{`${bins.length} bins`}</p>}</Loaded>;
}

it("says that it loads, then shows what came", async () => {
  let answer: (bins: unknown[]) => void = () => {};
  answering({
    "GET /api/v1/bins": () =>
      new Promise((resolve) => {
        answer = resolve;
      }),
  });
  await show(<Bins />);
  expect(screen.getByRole("status", { name: "Loading" })).toBeTruthy();
  answer([{}, {}]);
  expect(await screen.findByText("2 bins")).toBeTruthy();
});

it("shows the hub's own words for a failure, and tries again", async () => {
  let works = false;
  answering({ "GET /api/v1/bins": () => (works ? [] : problem(503, "database", "the database does not answer")) });
  await show(<Bins />);
  expect((await screen.findByRole("alert")).textContent).toContain("the database does not answer");
  works = true;
  await userEvent.click(screen.getByRole("button", { name: "Try again" }));
  expect(await screen.findByText("0 bins")).toBeTruthy();
});

it("shows to each role what is for it", async () => {
  answering({ "GET /api/v1/me": () => ({ user: "rani", role: "reviewer" }) });
  await show(
    <>
      <Needs role="reviewer">
        <p>queue</p>
      </Needs>
      <Needs role="admin">
        <p>users</p>
      </Needs>
    </>,
  );
  expect(await screen.findByText("queue")).toBeTruthy();
  expect(screen.queryByText("users")).toBeNull();
  expect(screen.getByText(/It takes the role “administrator”/)).toBeTruthy();
});
