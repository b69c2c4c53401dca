// The desk of the person who is logged in. It outlives the page: answers are sent while other pages are open.

import { useQuery } from "@tanstack/react-query";
import { useEffect, useSyncExternalStore } from "react";
import { api, unwrap } from "../../api/client";
import { useConnection, useLive } from "../../api/live";
import { me } from "../../api/queries";
import { DeskStore, type Hub, type Shelf, type Snapshot } from "./deskStore";

const hub: Hub = {
  next: async (count) => (await unwrap(api.POST("/api/v1/review/next", { params: { query: { count } } }))).items,
  held: async () => (await unwrap(api.GET("/api/v1/review/next"))).items,
  answer: (sample, said) =>
    unwrap(api.POST("/api/v1/review/{sample}/answer", { params: { path: { sample } }, body: said })),
  undo: async () => (await unwrap(api.POST("/api/v1/review/undo"))).sample,
};

/** Leases are renewed this often while the page is open, in milliseconds: well within their 15 minutes. */
const RENEW_MS = 4 * 60_000;

const stores = new Map<string, DeskStore>();

function shelf(): Shelf | null {
  try {
    return localStorage;
  } catch {
    return null;
  }
}

function storeOf(user: string): DeskStore {
  const known = stores.get(user);
  if (known) return known;
  const made = new DeskStore(hub, shelf(), `pilah-review-unsent:${user}`);
  stores.set(user, made);
  return made;
}

/** Forgets all desks, as a reload does. */
export function forgetDesks(): void {
  stores.clear();
}

export function useDesk(): { store: DeskStore; snapshot: Snapshot } {
  const { data } = useQuery(me);
  const store = storeOf(data?.user ?? "");
  const snapshot = useSyncExternalStore(store.subscribe, store.snapshot);
  const connection = useConnection();

  useEffect(() => {
    store.retryNow();
    void store.refill();
    const renew = setInterval(() => {
      if (!document.hidden) void store.refill();
    }, RENEW_MS);
    return () => clearInterval(renew);
  }, [store]);

  // A hub that is back is told at once.
  useEffect(() => {
    if (connection === "live") store.retryNow();
  }, [connection, store]);

  useLive((event) => {
    if (event.type === "labelled" && event.by !== data?.user) store.gone(event.sample);
    if (event.type === "sample") store.mayHaveMore();
  });

  return { store, snapshot };
}
