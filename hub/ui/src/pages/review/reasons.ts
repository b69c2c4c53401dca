// Which of the figures of a review speak for looking at it, the strongest first: pure.

import type { ReviewItem } from "./desk";

/** A reason by its key in the catalogues, and how strong it is, 0 to 1, if it is a matter of degree. */
export interface Reason {
  reason:
    | "isSecond"
    | "isDisputed"
    | "isMarkedWrong"
    | "isSuspect"
    | "isSuspectOf"
    | "isUnsure"
    | "isDisagreement"
    | "isNovel"
    | "isRandom"
    | "isWaiting";
  share?: number;
}

/** A figure below this says little, and is not told. */
const WORTH_TELLING = 0.2;

export function reasonsOf(item: ReviewItem): Reason[] {
  const told: Reason[] = [];
  if (item.state === "second") told.push({ reason: "isSecond" });
  if (item.state === "disputed") told.push({ reason: "isDisputed" });
  if (item.marked_wrong) told.push({ reason: "isMarkedWrong" });
  const measured: Reason[] = [
    { reason: item.suggested ? "isSuspectOf" : "isSuspect", share: item.suspect ?? 0 },
    { reason: "isUnsure", share: item.unsure ?? 0 },
    { reason: "isDisagreement", share: item.disagreement ?? 0 },
    { reason: "isNovel", share: item.novelty ?? 0 },
  ];
  const strong = measured.filter(({ share = 0 }) => share >= WORTH_TELLING);
  strong.sort((a, b) => (b.share ?? 0) - (a.share ?? 0));
  if (item.random) told.push({ reason: "isRandom" });
  told.push(...strong);
  return told.length > 0 ? told : [{ reason: "isWaiting" }];
}
