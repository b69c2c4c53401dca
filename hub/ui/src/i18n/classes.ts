// What people call the classes of waste, and the colour that stands for each.

import { texts } from ".";
import en from "./classes.en.json";
import id from "./classes.id.json";

const useText = texts("classes", { en, id });

/** Gives the name of a class; one that is not known keeps its own. */
export function useClassName(): (label: string) => string {
  const text = useText();
  return (label) => (label in en ? text(label as keyof typeof en) : label);
}

/** Colours of the known classes by Mantine's names, alike in both themes. */
const colours: Record<string, string> = {
  cardboard: "orange",
  glass: "teal",
  metal: "gray",
  paper: "blue",
  plastic: "violet",
  trash: "red",
  organic: "lime",
};

/** Colours of other classes, in turn. */
const others = ["pink", "cyan", "yellow", "indigo", "grape", "green"];

/** The colour of a class, by Mantine's names. */
export function classColour(label: string): string {
  const known = colours[label];
  if (known) return known;
  let sum = 0;
  for (const character of label) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 9973;
  return others[sum % others.length] ?? "gray";
}
