// Whether the tour is shown: on the first visit, and when somebody asks for it. The tour itself is loaded then.

import { useSyncExternalStore } from "react";

const storageKey = "pilah-tour";

let wanted = firstVisit();
let watchers: (() => void)[] = [];

function firstVisit(): boolean {
  try {
    return localStorage.getItem(storageKey) === null;
  } catch {
    // Storage is refused: a tour at each visit would be in the way.
    return false;
  }
}

function want(value: boolean): void {
  wanted = value;
  for (const watcher of watchers) watcher();
}

/** Shows the tour. */
export function startTour(): void {
  want(true);
}

/** Ends the tour; it does not come by itself again. */
export function endTour(): void {
  try {
    localStorage.setItem(storageKey, "seen");
  } catch {
    // It was seen in this visit then.
  }
  want(false);
}

/** Whether the tour is to be shown. */
export function useTourWanted(): boolean {
  return useSyncExternalStore(
    (watcher) => {
      watchers = [...watchers, watcher];
      return () => {
        watchers = watchers.filter((each) => each !== watcher);
      };
    },
    () => wanted,
  );
}
