// The image to look at, large. The next ones and the last ones lie decoded behind it, so that they show at once.

import { useEffect, useRef } from "react";
import { SampleImage } from "../../components/SampleImage";
import { useClassName } from "../../i18n/classes";
import type { ReviewItem } from "./desk";
import styles from "./Review.module.css";

/** How many images lie ready. */
const AHEAD = 6;
const BEHIND = 2;

/** @param queue the present one first @param past what was looked at before, the newest last */
export function Stage({ queue, past }: { queue: readonly ReviewItem[]; past: readonly ReviewItem[] }) {
  const name = useClassName();
  const present = queue[0]?.sample.id;
  const ready = new Map([...past.slice(-BEHIND), ...queue.slice(0, AHEAD)].map((item) => [item.sample.id, item]));
  return (
    <div className={styles.stage}>
      {[...ready.values()].map(({ sample }) => (
        <Sheet key={sample.id} sample={sample.id} shown={sample.id === present}>
          <SampleImage sample={sample.id} label={sample.label ? name(sample.label) : undefined} eager />
        </Sheet>
      ))}
    </div>
  );
}

function Sheet({ sample, shown, children }: { sample: string; shown: boolean; children: React.ReactNode }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // An image that cannot be decoded says so by itself when it is shown.
    place.current
      ?.querySelector("img")
      ?.decode?.()
      .catch(() => {});
  }, []);
  return (
    <div
      ref={place}
      className={styles.sheet}
      data-sample={sample}
      data-shown={shown || undefined}
      aria-hidden={!shown || undefined}
    >
      {children}
    </div>
  );
}
