// Where the dots of a rollout's picture are: pure.

/** Where a bin is on its way. */
export type Place = "waiting" | "fetching" | "trial" | "committed" | "back";

/** In the order in which a bin passes them; back is where those go that do not keep the version. */
export const places: readonly Place[] = ["waiting", "fetching", "trial", "committed", "back"];

/** Their names in the catalogues. */
export const placeNames = {
  waiting: "atWaiting",
  fetching: "atFetching",
  trial: "atTrial",
  committed: "atCommitted",
  back: "atBack",
} as const satisfies Record<Place, string>;

/** How a bin stands, as the hub says. */
const placeByState: Record<string, Place> = {
  later: "waiting",
  away: "waiting",
  window: "waiting",
  told: "fetching",
  fetching: "fetching",
  trial: "trial",
  committed: "committed",
  refused: "back",
  took_back: "back",
  blocked: "back",
  silent: "back",
  going_back: "back",
  back: "back",
};

/** Where a bin of this state is drawn. A state of a newer hub waits. */
export function placeOf(state: string): Place {
  return placeByState[state] ?? "waiting";
}

/** A bin in the picture. */
export interface Dot {
  bin: string;
  place: Place;
}

/** A dot with the middle of where it is drawn, in pixels. It stands for `bins` bins, of which it bears the first's id. */
export interface Placed {
  bin: string;
  place: Place;
  bins: number;
  x: number;
  y: number;
}

/** A group as it is drawn. */
export interface DrawnLane {
  dots: Placed[];
  /** The height that it takes, in pixels. */
  height: number;
}

/** From a dot's middle to the next, in pixels. */
export const STEP = 14;

/** From a lane's edge to its dots, in pixels. */
const MARGIN = 10;

/** No place of a lane has more dots: beyond, a dot stands for several bins. */
const MOST_DOTS = 60;

/** How many bins a dot stands for, so that no place of any lane has too many. */
export function binsPerDot(lanes: readonly (readonly Dot[])[]): number {
  const counts = lanes.flatMap((lane) => places.map((place) => lane.filter((dot) => dot.place === place).length));
  return Math.max(1, Math.ceil(Math.max(0, ...counts) / MOST_DOTS));
}

/** Draws a group into so many pixels: a column for each place, the dots in rows from the top left. */
export function drawLane(lane: readonly Dot[], width: number, perDot: number): DrawnLane {
  const column = width / places.length;
  const perRow = Math.max(1, Math.floor((column - MARGIN) / STEP));
  let rows = 1;
  const dots = places.flatMap((place, index) => {
    const bins = lane.filter((dot) => dot.place === place);
    const count = Math.ceil(bins.length / perDot);
    rows = Math.max(rows, Math.ceil(count / perRow));
    return Array.from({ length: count }, (_, i): Placed => {
      const first = bins[i * perDot];
      return {
        bin: first?.bin ?? "",
        place,
        bins: Math.min(perDot, bins.length - i * perDot),
        x: index * column + MARGIN + (i % perRow) * STEP,
        y: MARGIN + Math.floor(i / perRow) * STEP,
      };
    });
  });
  return { dots, height: 2 * MARGIN + (rows - 1) * STEP };
}
