// What the hub says about levels, as figures that every language can say: pure.

/** What it takes to the next level. */
export type Step =
  | { kind: "trainings"; count: number }
  | { kind: "reviewed"; count: number }
  /** The accuracy that is wanted, and the one that there surely is, 0 to 1; `null` if it was not measured. */
  | { kind: "accuracy"; wanted: number; now: number | null };

/** Reads a step of the hub; `null` if it says something new. */
export function stepOf(words: string): Step | null {
  const trainings = words.match(/^(\d+) more trainings?$/);
  if (trainings) return { kind: "trainings", count: Number(trainings[1]) };
  const reviewed = words.match(/^(\d+) more reviewed samples$/);
  if (reviewed) return { kind: "reviewed", count: Number(reviewed[1]) };
  const accuracy = words.match(/^an accuracy that is .*surely (\d+) % or more(?:; now it is surely (\d+) %)?$/);
  if (!accuracy) return null;
  const now = accuracy[2] === undefined ? null : Number(accuracy[2]) / 100;
  return { kind: "accuracy", wanted: Number(accuracy[1]) / 100, now };
}

const names = ["newborn", "beginner", "learner", "capable", "skilled", "expert", "master"] as const;

/** The text of a level's name; `null` if there is none of it. */
export function levelName(name: string): (typeof names)[number] | null {
  return names.find((each) => each === name) ?? null;
}
