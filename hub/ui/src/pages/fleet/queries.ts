// What the fleet pages ask of the hub, and what happens live, put into what was read.

import { queryOptions, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { api, type Schemas, unwrap } from "../../api/client";
import { useLive } from "../../api/live";
import { bins, type ItemSeen } from "../../api/queries";

/** Items of a bin that are read and kept at most; the hub gives no more at once. */
export const ITEMS = 500;

/** Last frames that are shown. */
const FRAMES = 12;

/** A list of a thousand bins is drawn anew at most this often, in milliseconds. */
const DRAW_MS = 1000;

export type BinDetail = Schemas["BinDetail"];

export const binOf = (id: string) =>
  queryOptions({
    queryKey: ["bins", id],
    queryFn: () => unwrap(api.GET("/api/v1/bins/{id}", { params: { path: { id } } })),
  });

export const itemsOf = (bin: string) =>
  queryOptions({
    queryKey: ["items", bin],
    queryFn: () => unwrap(api.GET("/api/v1/events", { params: { query: { bin, limit: ITEMS } } })),
  });

export const framesOf = (bin: string) =>
  queryOptions({
    queryKey: ["frames", bin],
    queryFn: async () => (await unwrap(api.GET("/api/v1/search", { params: { query: { bin, limit: FRAMES } } }))).hits,
  });

export const settings = queryOptions({
  queryKey: ["settings"],
  queryFn: () => unwrap(api.GET("/api/v1/settings")),
  staleTime: 60_000,
});

/** Keeps the last items in the list of bins up to date. */
export function useLiveFleet(): void {
  const queries = useQueryClient();
  const waiting = useRef(new Map<string, ItemSeen>());
  useLive((event) => {
    if (event.type === "item") waiting.current.set(event.bin, event);
  });
  useEffect(() => {
    const timer = setInterval(() => {
      const items = waiting.current;
      if (items.size === 0) return;
      waiting.current = new Map();
      queries.setQueryData(bins.queryKey, (list) =>
        list?.map((bin) => {
          const item = items.get(bin.id);
          return item ? { ...bin, last_item: item, last_seen_ms: Math.max(bin.last_seen_ms ?? 0, item.at_ms) } : bin;
        }),
      );
    }, DRAW_MS);
    return () => clearInterval(timer);
  }, [queries]);
}

/** Keeps the items and frames of one bin up to date. */
export function useLiveBin(id: string): void {
  const queries = useQueryClient();
  useLive((event) => {
    if (event.type === "item" && event.bin === id) {
      queries.setQueryData(itemsOf(id).queryKey, (items) =>
        items?.some((item) => item.id === event.id) ? items : items && [event, ...items].slice(0, ITEMS),
      );
    }
    if (event.type === "sample" && event.bin === id) {
      void queries.invalidateQueries({ queryKey: framesOf(id).queryKey });
    }
  });
}
