// Choosing many of a list with mouse and keys, as file managers do: pure.

export interface Selection {
  chosen: ReadonlySet<string>;
  /** Where a range begins. */
  anchor: string | null;
  /** Where the keys are. */
  focus: string | null;
}

export const nothing: Selection = { chosen: new Set(), anchor: null, focus: null };

/** Chosen ones that are still in the list. */
export function chosenOf(selection: Selection, ids: readonly string[]): string[] {
  return ids.filter((id) => selection.chosen.has(id));
}

/** One was clicked, or its key pressed: it is chosen or not any more; with `range`, all from the anchor to it are. */
export function pick(selection: Selection, ids: readonly string[], id: string, range: boolean): Selection {
  const from = selection.anchor === null ? -1 : ids.indexOf(selection.anchor);
  const to = ids.indexOf(id);
  if (to < 0) return selection;
  const chosen = new Set(selection.chosen);
  if (range && from >= 0) {
    for (const each of ids.slice(Math.min(from, to), Math.max(from, to) + 1)) chosen.add(each);
    return { chosen, anchor: selection.anchor, focus: id };
  }
  if (chosen.has(id)) chosen.delete(id);
  else chosen.add(id);
  return { chosen, anchor: id, focus: id };
}

/** All of these are chosen; if they were already, none of them. */
export function pickAll(selection: Selection, group: readonly string[]): Selection {
  const chosen = new Set(selection.chosen);
  const all = group.every((id) => chosen.has(id));
  for (const id of group) {
    if (all) chosen.delete(id);
    else chosen.add(id);
  }
  return { ...selection, chosen };
}

/** The keys go `by` places on; with `range`, what they pass is chosen. */
export function move(selection: Selection, ids: readonly string[], by: number, range: boolean): Selection {
  if (ids.length === 0) return selection;
  const at = selection.focus === null ? -1 : ids.indexOf(selection.focus);
  const to = at < 0 ? 0 : Math.min(Math.max(at + by, 0), ids.length - 1);
  const focus = ids[to] ?? null;
  if (focus === null || !range) return { ...selection, focus };
  const anchor = selection.anchor !== null && ids.includes(selection.anchor) ? selection.anchor : (ids[at] ?? focus);
  return pick({ ...selection, anchor }, ids, focus, true);
}
