// What stands behind the `?` of the address: what a page shows, so that it can be linked and gone back to.

import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";

/** The values by name, as text. */
export type Address = Readonly<Record<string, string>>;

/** Sets values; an empty one is taken out. With `push`, the browser's way back undoes it. */
export type SetAddress = (changes: Readonly<Record<string, string | undefined>>, how?: { push?: boolean }) => void;

/** Reads and sets what stands behind the `?`. */
export function useAddress(): [Address, SetAddress] {
  const search = useSearch({ strict: false }) as Readonly<Record<string, unknown>>;
  const navigate = useNavigate();
  const address = useMemo(() => {
    const values = Object.entries(search).filter(([, value]) => value !== undefined && value !== null);
    return Object.fromEntries(values.map(([name, value]) => [name, String(value)]));
  }, [search]);
  const set = useCallback<SetAddress>(
    (changes, how) => {
      const change = (before: Record<string, unknown>) => {
        const after = { ...before, ...changes };
        return Object.fromEntries(Object.entries(after).filter(([, value]) => value !== undefined && value !== ""));
      };
      void navigate({ to: ".", search: change as never, replace: !how?.push, resetScroll: false });
    },
    [navigate],
  );
  return [address, set];
}
