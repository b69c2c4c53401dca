// Queries that several pages share.

import { queryOptions, useQuery } from "@tanstack/react-query";
import { at } from "./base";
import { api, type Schemas, unwrap } from "./client";

/** What a person may do. Each role may do what the ones before it may. */
export const roles = ["viewer", "reviewer", "admin"] as const;

/** One of [roles]. */
export type Role = (typeof roles)[number];

/** Who is logged in; fails with 401 if nobody is. */
export const me = queryOptions({
  queryKey: ["me"],
  queryFn: () => unwrap(api.GET("/api/v1/me")),
  retry: false,
  staleTime: 60_000,
});

/** What the hub takes: how large files may be, how short a password. It changes with the program alone. */
export const limits = queryOptions({
  queryKey: ["limits"],
  queryFn: () => unwrap(api.GET("/api/v1/limits")),
  staleTime: Number.POSITIVE_INFINITY,
});

/** The hub in numbers. */
export const status = queryOptions({ queryKey: ["status"], queryFn: () => unwrap(api.GET("/api/status")) });

/** Every bin, by id. */
export const bins = queryOptions({ queryKey: ["bins"], queryFn: () => unwrap(api.GET("/api/v1/bins")) });

/** Every class with its number of labelled images. */
export const classes = queryOptions({ queryKey: ["classes"], queryFn: () => unwrap(api.GET("/api/v1/classes")) });

/** How far the training is that runs, or what came of the last one. */
export const trainingStatus = queryOptions({
  queryKey: ["training-status"],
  queryFn: () => unwrap(api.GET("/api/training-status")),
});

/** Every model version, newest first. */
export const models = queryOptions({ queryKey: ["models"], queryFn: () => unwrap(api.GET("/api/v1/models")) });

/** Whether the person who is logged in has at least this role. */
export function useMay(role: Role): boolean {
  const { data } = useQuery(me);
  return data !== undefined && roles.indexOf(data.role as Role) >= roles.indexOf(role);
}

/** An item as a bin saw it. */
export type ItemSeen = Schemas["ItemSeen"];

/** A sample as the hub shows it. */
export type SampleView = Schemas["SampleView"];

/** Where the image of a sample is. */
export function imageOf(sample: string): string {
  return at(`/api/v1/samples/${encodeURIComponent(sample)}/image`);
}
