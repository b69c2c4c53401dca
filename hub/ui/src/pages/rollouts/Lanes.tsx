// A rollout as one picture: a lane for each group, and a dot for each bin, which moves from waiting to having it.

import { Badge, Box, Group, Stack, Text } from "@mantine/core";
import { useElementSize } from "@mantine/hooks";
import { useFormat } from "../../i18n/format";
import styles from "./Lanes.module.css";
import { binsPerDot, type Dot, drawLane, placeNames, places } from "./lanes";
import { useRolloutsText } from "./text";

/** A group. */
export interface Lane {
  /** What it is called. */
  name: string;
  /** Whether its bins get the version by now. */
  reached: boolean;
  /** Whether it is the one that is under way. */
  current: boolean;
  dots: Dot[];
}

/** As wide as it is drawn before it is known how wide it may be. */
const WIDTH = 720;

export function Lanes({ lanes }: { lanes: Lane[] }) {
  const text = useRolloutsText();
  const { ref, width: measured } = useElementSize<HTMLDivElement>();
  const width = measured || WIDTH;
  const perDot = binsPerDot(lanes.map((lane) => lane.dots));
  return (
    <Stack gap="xs">
      <div className={styles.heads} ref={ref}>
        {places.map((place) => (
          <span key={place} className={styles.head}>
            {text(placeNames[place])}
          </span>
        ))}
      </div>
      {lanes.map((lane, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: groups have an order, and need not have names of their own
        <LaneView key={index} lane={lane} width={width} perDot={perDot} />
      ))}
      {perDot > 1 && (
        <Text size="xs" c="dimmed">
          {text("perDot", { count: perDot })}
        </Text>
      )}
    </Stack>
  );
}

function LaneView({ lane, width, perDot }: { lane: Lane; width: number; perDot: number }) {
  const text = useRolloutsText();
  const format = useFormat();
  const { dots, height } = drawLane(lane.dots, width, perDot);
  const counted = places
    .map((place) => ({ place, count: lane.dots.filter((dot) => dot.place === place).length }))
    .filter(({ count }) => count > 0)
    .map(({ place, count }) => text("counted", { standing: text(placeNames[place]), count: format.number(count) }))
    .join(", ");
  const column = width / places.length;
  return (
    <Box className={styles.lane} data-reached={lane.reached}>
      <Group gap="xs" justify="space-between">
        <Text size="sm" fw={600} style={{ overflowWrap: "anywhere" }}>
          {lane.name}
        </Text>
        <Group gap="xs">
          <Text size="xs" c="dimmed">
            {text("binsOf", { count: lane.dots.length, number: format.number(lane.dots.length) })}
          </Text>
          {lane.current && (
            <Badge size="sm" variant="light">
              {text("now")}
            </Badge>
          )}
        </Group>
      </Group>
      <svg
        className={styles.picture}
        viewBox={`0 0 ${width} ${height}`}
        height={height}
        preserveAspectRatio="xMinYMin meet"
        role="img"
        aria-label={counted || text("noBins")}
      >
        {places.slice(1).map((place, i) => (
          <line key={place} className={styles.column} x1={(i + 1) * column} x2={(i + 1) * column} y1={0} y2={height} />
        ))}
        {dots.map((dot) => (
          <circle
            key={dot.bin}
            r={5}
            className={`${styles.dot} ${styles[dot.place]}`}
            style={{ transform: `translate(${dot.x}px, ${dot.y}px)` }}
          >
            <title>{dot.bins > 1 ? text("dotBins", { count: dot.bins, bin: dot.bin }) : dot.bin}</title>
          </circle>
        ))}
      </svg>
    </Box>
  );
}
