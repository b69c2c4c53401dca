// Has a file read by the server as soon as it is chosen, and again whenever it is to be read in another way.

import { useEffect, useRef, useState } from "react";
import { checkFile, type Findings, Refusal, type Target } from "./request";

/** What is known of a file. */
export type Check =
  | { at: "nothing" }
  | { at: "checking" }
  | { at: "found"; findings: Findings }
  | { at: "refused"; refusal: Refusal };

/** How long a person may type before the server is asked, in milliseconds. */
const TYPING_MS = 300;

/** @param field the field of the form that asks for a check alone; null: nothing is checked */
export function useCheck(
  target: Target,
  file: File | null,
  fields: Readonly<Record<string, string>>,
  field: string | null,
): Check {
  const [check, setCheck] = useState<Check>({ at: "nothing" });
  const present = useRef(target);
  present.current = target;
  const checked = useRef<File | null>(null);
  const stated = JSON.stringify(fields);

  useEffect(() => {
    if (!file || !field) {
      checked.current = null;
      setCheck({ at: "nothing" });
      return;
    }
    const stop = new AbortController();
    setCheck({ at: "checking" });
    const ask = async () => {
      const form = new FormData();
      const all = { ...(JSON.parse(stated) as Record<string, string>), [field]: "true" };
      for (const [name, value] of Object.entries(all)) form.append(name, value);
      form.append("file", file);
      try {
        const findings = await checkFile(present.current, form, stop.signal);
        if (!stop.signal.aborted) setCheck({ at: "found", findings });
      } catch (cause) {
        if (stop.signal.aborted) return;
        setCheck({ at: "refused", refusal: cause instanceof Refusal ? cause : new Refusal(0, String(cause)) });
      }
    };
    // A new file is read at once.
    const timer = setTimeout(() => void ask(), checked.current === file ? TYPING_MS : 0);
    checked.current = file;
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [file, field, stated]);
  return check;
}
