// The way to the next level is said as figures; at the highest there is none.

import { screen } from "@testing-library/react";
import { expect, it } from "vitest";
import { show } from "../../testing/render";
import { LevelCard } from "./LevelCard";

const level = { level: 3, name: "capable", next: [], trainings: 4, reviewed: 640, accuracy: 0.79 };

it("says what there is of what is wanted", async () => {
  await show(<LevelCard level={{ ...level, wants: { trainings: 3, reviewed: 1000, accuracy: 0.8 } }} />);
  expect(screen.getByText("Capable")).toBeTruthy();
  expect(screen.getByText("reached")).toBeTruthy();
  expect(screen.getByText("640 of 1,000")).toBeTruthy();
  expect(screen.getByText("79% of 80%")).toBeTruthy();
});

it("counts an accuracy that was never measured as none", async () => {
  await show(
    <LevelCard level={{ ...level, accuracy: null, wants: { trainings: 9, reviewed: 1000, accuracy: 0.8 } }} />,
  );
  expect(screen.getByText("0% of 80%")).toBeTruthy();
});

it("says that the highest level is reached", async () => {
  await show(<LevelCard level={{ ...level, level: 6, name: "master", wants: null }} />);
  expect(screen.getByText("The highest level is reached.")).toBeTruthy();
});
