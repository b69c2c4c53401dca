// The hub's HTTP interface, typed by its OpenAPI document.

import createClient from "openapi-fetch";
import { at, base, pathOf } from "./base";
import { ApiError, problemOf } from "./problem";
import type { components, paths } from "./schema";
import { loginAgain } from "./session";

/** The shapes of the interface, by name: `Schemas["BinView"]`. */
export type Schemas = components["schemas"];

/** Says that a request comes from this page; the hub refuses changes without it. */
const ownOrigin = { "X-Pilah-CSRF": "1" };

/** Paths whose refusal is an answer, and not the end of a session. */
const withoutSession = ["/api/v1/login", "/api/v1/me"];

/** `fetch` that waits for a new login if the session has expired. */
export async function request(input: Request): Promise<Response> {
  const again = input.clone();
  const answer = await send(input);
  if (answer.status !== 401 || withoutSession.includes(pathOf(input.url))) return answer;
  await loginAgain();
  return send(again);
}

declare global {
  interface Window {
    /** Answers by path that `public/early.js` asked for before this script had come. */
    pilahEarly?: Record<string, Promise<Response>>;
  }
}

/** The answer that was asked for early, once. */
function takeEarly(input: Request): Promise<Response> | undefined {
  const path = pathOf(input.url);
  const answer = input.method === "GET" ? window.pilahEarly?.[path] : undefined;
  delete window.pilahEarly?.[path];
  return answer;
}

async function send(input: Request): Promise<Response> {
  try {
    return await (takeEarly(input) ?? fetch(input));
  } catch (cause) {
    if (input.signal.aborted) throw cause;
    throw new ApiError(0, "network", cause instanceof Error ? cause.message : String(cause));
  }
}

/** The client: `api.GET("/api/v1/bins")`. Wrap it in [unwrap]. */
export const api = createClient<paths>({ baseUrl: location.origin + base, headers: ownOrigin, fetch: request });

/** The data of an answer; an [ApiError] is thrown for anything else. */
export async function unwrap<T>(
  answer: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<NonNullable<T>> {
  const { data, error, response } = await answer;
  if (!response.ok) throw problemOf(response.status, error);
  return data as NonNullable<T>;
}

/**
 * Sends a form or a file with progress, which `fetch` cannot tell.
 *
 * @param onProgress gets the share that has been sent, 0 to 1
 */
export async function upload<T>(
  path: string,
  body: FormData | Blob,
  options: { onProgress?: (share: number) => void; signal?: AbortSignal } = {},
): Promise<T> {
  const answer = await sendBody(path, body, options);
  if (answer.status === 401) {
    await loginAgain();
    return readBody<T>(await sendBody(path, body, options));
  }
  return readBody<T>(answer);
}

function readBody<T>({ status, body }: { status: number; body: unknown }): T {
  if (status < 200 || status > 299) throw problemOf(status, body);
  return body as T;
}

function sendBody(
  path: string,
  body: FormData | Blob,
  { onProgress, signal }: { onProgress?: (share: number) => void; signal?: AbortSignal },
): Promise<{ status: number; body: unknown }> {
  return new Promise((resolve, reject) => {
    const sender = new XMLHttpRequest();
    sender.open("POST", at(path));
    for (const [name, value] of Object.entries(ownOrigin)) sender.setRequestHeader(name, value);
    sender.setRequestHeader("Accept", "application/json");
    sender.upload.onprogress = (event) => event.lengthComputable && onProgress?.(event.loaded / event.total);
    sender.onload = () => resolve({ status: sender.status, body: parsed(sender.responseText) });
    sender.onerror = () => reject(new ApiError(0, "network", ""));
    sender.onabort = () => reject(new DOMException("", "AbortError"));
    signal?.addEventListener("abort", () => sender.abort(), { once: true });
    sender.send(body);
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
