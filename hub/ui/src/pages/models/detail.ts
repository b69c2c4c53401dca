// A version with all that is known of it, as the pages of models read it.

import { queryOptions } from "@tanstack/react-query";
import { api, unwrap } from "../../api/client";

export const detailOf = (version: string) =>
  queryOptions({
    queryKey: ["models", version, "detail"],
    queryFn: () => unwrap(api.GET("/api/v1/models/{version}", { params: { path: { version } } })),
  });

/** What a manifest says that the pages show; see the hub's `Manifest`. */
export interface Manifest {
  labels: string[];
  input: { width: number; height: number };
  embedding: number;
  thresholds: Record<string, number>;
  backbone: { sha256: string; bytes: number };
  head: { sha256: string; bytes: number };
}
