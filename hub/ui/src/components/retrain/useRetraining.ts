// A retraining from the choice of a file to its end, with all that can come between.

import { useEffect, useRef, useState } from "react";
import { isLast, type TrainingEvent } from "./events";
import { endTraining, Refusal, startTraining, type Target, trainingNow } from "./request";

/** Where a retraining is. */
export type Stage =
  | { at: "choosing" }
  /** The file is on its way. */
  | { at: "sending" }
  /** `isLost`: the stream broke off; how far it is, is asked for. */
  | { at: "training"; isLost: boolean; ending: boolean }
  | { at: "refused"; refusal: Refusal }
  | { at: "failed"; words: string }
  | { at: "cancelled"; goesOn: boolean }
  | { at: "done"; result: Record<string, unknown> };

/** Where a training is asked for, and ended. */
export interface Addresses extends Target {
  status?: (training: string) => string;
  cancel?: (training: string) => string;
}

/** Time between questions of how far a training is, in milliseconds. */
const ASK_AGAIN_MS = 1500;

export function useRetraining(addresses: Addresses, onDone: (result: Record<string, unknown>) => void) {
  const [stage, setStage] = useState<Stage>({ at: "choosing" });
  const [events, setEvents] = useState<TrainingEvent[]>([]);
  const stop = useRef<AbortController>(undefined);
  const training = useRef("");
  const done = useRef(onDone);
  done.current = onDone;

  // Who leaves the page does not end the training, but stops watching it.
  useEffect(() => () => stop.current?.abort(), []);

  const hear = (event: TrainingEvent, id: string) => {
    if (id) training.current = id;
    setEvents((before) => (isRepeated(before.at(-1), event) ? before : [...before, event]));
    if (!isLast(event.stage)) {
      setStage((before) => (before.at === "training" ? before : { at: "training", isLost: false, ending: false }));
      return;
    }
    if (event.stage === "result") {
      setStage({ at: "done", result: event.data });
      done.current(event.data);
    } else if (event.stage === "failed") setStage({ at: "failed", words: event.message });
    else setStage({ at: "cancelled", goesOn: false });
  };

  const run = async (work: (signal: AbortSignal) => Promise<void>) => {
    stop.current?.abort();
    const own = new AbortController();
    stop.current = own;
    try {
      await work(own.signal);
    } catch (cause) {
      if (own.signal.aborted) return;
      const refusal = cause instanceof Refusal ? cause : new Refusal(0, String(cause));
      setStage({ at: "refused", refusal });
    }
  };

  /** Asks until the training is over; a hub that does not answer is asked again. */
  const follow = async (signal: AbortSignal) => {
    const url = addresses.status?.(training.current);
    if (!url) throw new Refusal(0, "");
    while (!signal.aborted) {
      let isLost = false;
      try {
        const event = await trainingNow(addresses, url, signal);
        if (event) hear(event, "");
        if (event && isLast(event.stage)) return;
      } catch (cause) {
        if (!(cause instanceof Refusal) || (cause.status !== 0 && cause.status < 502)) throw cause;
        isLost = true;
      }
      setStage((before) => (before.at === "training" ? { ...before, isLost } : before));
      await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
    }
  };

  return {
    stage,
    events,

    /** Sends a form and trains. */
    start: (form: FormData) => {
      training.current = "";
      setEvents([]);
      setStage({ at: "sending" });
      return run(async (signal) => {
        const over = await startTraining(addresses, form, signal, hear);
        if (over || signal.aborted) return;
        setStage({ at: "training", isLost: true, ending: false });
        await follow(signal);
      });
    },

    /** Follows a training that somebody else started. */
    watch: (id: string) => {
      training.current = id;
      setEvents([]);
      setStage({ at: "training", isLost: false, ending: false });
      return run(follow);
    },

    /** Ends the training, or, where that cannot be asked for, stops watching it. */
    cancel: async () => {
      const url = training.current && addresses.cancel?.(training.current);
      if (!url) {
        stop.current?.abort();
        setStage({ at: "cancelled", goesOn: training.current !== "" });
        return;
      }
      setStage((before) => (before.at === "training" ? { ...before, ending: true } : before));
      try {
        await endTraining(addresses, url);
      } catch (cause) {
        // 409: it is over already, and its last event is on its way.
        if (cause instanceof Refusal && cause.status === 409) return;
        stop.current?.abort();
        setStage({ at: "refused", refusal: cause instanceof Refusal ? cause : new Refusal(0, String(cause)) });
      }
    },

    /** Back to the choice of a file. */
    reset: () => {
      stop.current?.abort();
      setEvents([]);
      setStage({ at: "choosing" });
    },
  };
}

function isRepeated(last: TrainingEvent | undefined, event: TrainingEvent): boolean {
  return last !== undefined && last.message === event.message && last.progress === event.progress;
}
