// What the settings ask of the hub.

import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, unwrap } from "../../api/client";

/** Entries of the audit log that are read at once. */
export const ENTRIES = 50;

export const users = queryOptions({ queryKey: ["users"], queryFn: () => unwrap(api.GET("/api/v1/users")) });

export const settings = queryOptions({ queryKey: ["settings"], queryFn: () => unwrap(api.GET("/api/v1/settings")) });

export const subscribers = queryOptions({
  queryKey: ["subscribers"],
  queryFn: () => unwrap(api.GET("/api/v1/subscribers")),
});

/** What is looked for in the audit log. */
export interface AuditSearch {
  who?: string;
  what?: string;
  from_ms?: number;
  to_ms?: number;
}

/** What was found in the audit log, page by page, the newest first. */
export const audit = (search: AuditSearch) =>
  infiniteQueryOptions({
    queryKey: ["audit", search],
    queryFn: ({ pageParam: before }) =>
      unwrap(
        api.GET("/api/v1/audit", {
          params: { query: { limit: ENTRIES, ...search, ...(before !== null && { before }) } },
        }),
      ),
    initialPageParam: null as number | null,
    getNextPageParam: (page) => (page.length < ENTRIES ? null : (page.at(-1)?.id ?? null)),
  });
