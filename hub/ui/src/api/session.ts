// Who is logged in, and what happens when the session ends in the middle of something.
//
// A request that is refused because the session has expired waits until the person has logged in again
// (the dialog opens over the page), and is then sent once more: nothing that was typed is lost.

import { useSyncExternalStore } from "react";
import { ApiError } from "./problem";

type Waiting = { loggedIn: () => void; givenUp: () => void };

let waiting: Waiting[] = [];
let watchers: (() => void)[] = [];

function tell(): void {
  for (const watcher of watchers) watcher();
}

/** Resolves once the person has logged in again; rejects if they leave instead. */
export function loginAgain(): Promise<void> {
  const promise = new Promise<void>((resolve, reject) => {
    waiting = [
      ...waiting,
      { loggedIn: resolve, givenUp: () => reject(new ApiError(401, "unauthorized", "not logged in")) },
    ];
  });
  tell();
  return promise;
}

/** The person has logged in again: requests that wait are sent. */
export function sessionRenewed(): void {
  const released = waiting;
  waiting = [];
  for (const each of released) each.loggedIn();
  tell();
}

/** The person leaves: requests that wait fail. */
export function sessionGivenUp(): void {
  const released = waiting;
  waiting = [];
  for (const each of released) each.givenUp();
  tell();
}

/** Whether requests wait for a login. */
export function sessionExpired(): boolean {
  return waiting.length > 0;
}

/** [sessionExpired] as it changes. */
export function useSessionExpired(): boolean {
  return useSyncExternalStore((watcher) => {
    watchers = [...watchers, watcher];
    return () => {
      watchers = watchers.filter((each) => each !== watcher);
    };
  }, sessionExpired);
}
