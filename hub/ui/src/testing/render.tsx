// Renders a component as the dashboard does, with answers given by the test.

import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import {
  createMemoryHistory,
  createRootRoute,
  createRoute,
  createRouter,
  RouterProvider,
} from "@tanstack/react-router";
import { type RenderResult, render } from "@testing-library/react";
import type { ReactNode } from "react";
import { vi } from "vitest";
import { theme } from "../app/theme";

/** Answers a request: a body, which is sent as JSON with status 200, or a whole answer. */
export type Answer = (request: Request) => unknown;

/** Answers by `METHOD /path`; whatever is not named is 404. Gives the requests that were made. */
export function answering(answers: Record<string, Answer>): Request[] {
  const requests: Request[] = [];
  vi.stubGlobal("fetch", async (input: Request) => {
    requests.push(input.clone());
    const answer = answers[`${input.method} ${new URL(input.url).pathname}`];
    if (!answer) return problem(404, "not-found", "there is nothing here");
    const body = await answer(input);
    return body instanceof Response ? body : Response.json(body);
  });
  return requests;
}

/** Problem details as the hub sends them. */
export function problem(status: number, kind: string, detail: string, extra: Record<string, unknown> = {}): Response {
  const body = { type: `urn:pilah:problem:${kind}`, title: "", status, detail, ...extra };
  return Response.json(body, { status, headers: { "content-type": "application/problem+json" } });
}

/** Renders with theme, queries and a router that knows any path. */
export async function show(children: ReactNode): Promise<RenderResult> {
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const root = createRootRoute();
  const any = createRoute({ getParentRoute: () => root, path: "$", component: () => <>{children}</> });
  const home = createRoute({ getParentRoute: () => root, path: "/", component: () => <>{children}</> });
  const router = createRouter({ routeTree: root.addChildren([home, any]), history: createMemoryHistory() });
  await router.load();
  return render(
    <MantineProvider theme={theme} env="test">
      <QueryClientProvider client={queries}>
        <RouterProvider router={router as never} />
      </QueryClientProvider>
    </MantineProvider>,
  );
}
