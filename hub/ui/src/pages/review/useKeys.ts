// Keys of a whole page: they hold wherever the focus is, but not while something is typed or a dialog is open.

import { useEffect, useRef } from "react";

/** @param pressed tells whether the key meant something; it is then kept from the browser */
export function useKeys(pressed: (key: string, event: KeyboardEvent) => boolean): void {
  const latest = useRef(pressed);
  latest.current = pressed;
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.altKey || isTyping(event.target) || hasDialog()) return;
      const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
      if (latest.current(key, event)) event.preventDefault();
    };
    document.addEventListener("keydown", listen);
    return () => document.removeEventListener("keydown", listen);
  }, []);
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("input, textarea, select, [contenteditable=true]") !== null;
}

function hasDialog(): boolean {
  return document.querySelector("[role=dialog]") !== null;
}
