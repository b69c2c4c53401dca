// A rollout as it is being put together on the form, and what is asked of the hub: pure.

import type { Schemas } from "../../api/client";

/** A group on the form: what belongs to the other kinds stays as it was typed. */
export interface DraftGroup {
  /** Tells the rows of the form apart. */
  key: number;
  by: "share" | "tag" | "bins";
  percent: number;
  tag: string;
  bins: string[];
  approval: boolean;
}

/** The days on which a window may begin, as the hub names them. */
export const days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] as const;

/** What the comparison in the field may do. */
export const fieldRules = ["hold_if_worse", "hold_until_no_worse", "ignore"] as const;

/** A bin has gone silent after so many seconds, as the hub has it if nothing is said. */
const SILENT_AFTER_S = 3600;

/** So many percent of a group have to be there for it to be judged, as the hub has it if nothing is said. */
const PRESENT_PERCENT = 50;

/** The form. */
export interface Draft {
  version: string;
  /** Why a version that the gate refused is brought out all the same. */
  reason: string;
  groups: DraftGroup[];
  successPercent: number;
  errorPercent: number;
  silentPercent: number;
  soakMinutes: number;
  field: (typeof fieldRules)[number];
  /** Whether bins are told within a window only. */
  windowed: boolean;
  from: string;
  to: string;
  days: string[];
}

/** A form that asks for what the hub would do by itself. */
export function newDraft(version: string): Draft {
  return {
    version,
    reason: "",
    groups: [5, 25].map((percent, key) => newGroup(key, percent)),
    successPercent: 90,
    errorPercent: 10,
    silentPercent: 30,
    soakMinutes: 60,
    field: "hold_if_worse",
    windowed: false,
    from: "22:00",
    to: "05:00",
    days: [],
  };
}

/** Another group for the form. */
export function newGroup(key: number, percent: number): DraftGroup {
  return { key, by: "share", percent, tag: "", bins: [], approval: false };
}

/** What is put after a group of so many percent. */
export function nextPercent(groups: readonly DraftGroup[]): number {
  const shares = groups.filter((group) => group.by === "share").map((group) => group.percent);
  return Math.min(100, Math.max(5, ...shares.map((share) => 2 * share)));
}

/** Whether there is enough on the form to ask the hub, which says what else is wrong. */
export function isComplete(draft: Draft, needsReason: boolean): boolean {
  const named = (group: DraftGroup) =>
    group.by === "share" ? group.percent > 0 : group.by === "tag" ? group.tag !== "" : group.bins.length > 0;
  return (
    draft.version !== "" &&
    (!needsReason || draft.reason.trim() !== "") &&
    draft.groups.every(named) &&
    (!draft.windowed || (draft.from !== "" && draft.to !== ""))
  );
}

/** What the hub is asked for. Bins that name no time zone go by that of who asks. */
export function request(draft: Draft, needsReason: boolean, timeZone: string): Schemas["NewRollout"] {
  return {
    version: draft.version,
    reason: needsReason ? draft.reason.trim() : null,
    groups: draft.groups.map((group) => {
      const { approval } = group;
      if (group.by === "share") return { name: "", who: { by: "share", percent: group.percent }, approval };
      if (group.by === "tag") return { name: "", who: { by: "tag", tag: group.tag }, approval };
      return { name: "", who: { by: "bins", bins: group.bins }, approval };
    }),
    rules: {
      success_percent: draft.successPercent,
      error_percent: draft.errorPercent,
      silent_percent: draft.silentPercent,
      silent_after_s: SILENT_AFTER_S,
      present_percent: PRESENT_PERCENT,
      soak_s: 60 * draft.soakMinutes,
      field: draft.field,
      windows: draft.windowed ? [{ days: draft.days as Schemas["Weekday"][], from: draft.from, to: draft.to }] : [],
      time_zone: timeZone,
    },
  };
}
