// What happens on the hub, as it happens: one stream of server-sent events for the whole page.

import { useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useRef, useState } from "react";
import { at } from "./base";
import type { Schemas } from "./client";
import { staleAfter } from "./stale";

/** An event of the stream. */
export type LiveEvent = Schemas["LiveEvent"];

/** `lost`: the hub does not answer; the browser tries again by itself. */
export type Connection = "connecting" | "live" | "lost";

type Listener = (event: LiveEvent) => void;

const LiveContext = createContext<{ connection: Connection; listeners: Set<Listener> } | null>(null);

/** How long to wait before a new stream when the browser gave the old one up, in milliseconds. */
const RETRY_MS = 3000;

/** Lists are read again at most this often while events pour in, in milliseconds. */
const REFRESH_MS = 1500;

/** Keeps the stream open, and reads again what its events make stale. */
export function LiveProvider({ children }: { children: ReactNode }) {
  const queries = useQueryClient();
  const [connection, setConnection] = useState<Connection>("connecting");
  const listeners = useRef(new Set<Listener>());

  useEffect(() => {
    let source: EventSource | undefined;
    let retry: ReturnType<typeof setTimeout> | undefined;
    let refresh: ReturnType<typeof setTimeout> | undefined;
    let wasLost = false;
    const stale = new Set<string>();

    const refreshSoon = (keys: readonly string[]) => {
      for (const key of keys) stale.add(key);
      refresh ??= setTimeout(() => {
        refresh = undefined;
        const now = [...stale];
        stale.clear();
        for (const key of now) void queries.invalidateQueries({ queryKey: [key] });
      }, REFRESH_MS);
    };

    const open = () => {
      source = new EventSource(at("/api/v1/live"));
      source.onopen = () => {
        setConnection("live");
        if (wasLost) void queries.invalidateQueries();
        wasLost = false;
      };
      source.onerror = () => {
        wasLost = true;
        setConnection("lost");
        if (source?.readyState === EventSource.CLOSED) {
          // Refused, as after the end of a session: asking who is logged in opens the login.
          void queries.invalidateQueries({ queryKey: ["me"] });
          retry = setTimeout(open, RETRY_MS);
        }
      };
      source.onmessage = (message) => {
        const event = JSON.parse(message.data) as LiveEvent;
        for (const listener of listeners.current) listener(event);
        refreshSoon(staleAfter(event));
      };
      source.addEventListener("missed", () => void queries.invalidateQueries());
    };

    open();
    return () => {
      source?.close();
      clearTimeout(retry);
      clearTimeout(refresh);
    };
  }, [queries]);

  return <LiveContext value={{ connection, listeners: listeners.current }}>{children}</LiveContext>;
}

/** How the stream is. */
export function useConnection(): Connection {
  return useContext(LiveContext)?.connection ?? "connecting";
}

/** Calls `listener` with each event for as long as the component is there. */
export function useLive(listener: Listener): void {
  const listeners = useContext(LiveContext)?.listeners;
  const latest = useRef(listener);
  latest.current = listener;
  useEffect(() => {
    const call: Listener = (event) => latest.current(event);
    listeners?.add(call);
    return () => {
      listeners?.delete(call);
    };
  }, [listeners]);
}
