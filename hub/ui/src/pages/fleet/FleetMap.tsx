// The bins on a map, with a list beside it that the keyboard reaches.

import { Anchor, Group, NavLink, ScrollArea, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useMemo } from "react";
import { useMay } from "../../api/queries";
import styles from "./FleetMap.module.css";
import { MapView, type Marker } from "./MapView";
import { settings } from "./queries";
import { concernName } from "./Status";
import { type BinView, concernsOf } from "./telemetry";
import { type FleetText, useFleetText } from "./text";

/** Bins that the list shows at most; whoever looks for another narrows the list. */
const LISTED = 200;

/** A bin as a marker, or null if nobody said where it stands. */
export function markerOf(bin: BinView, text: FleetText): Marker | null {
  if (!bin.place) return null;
  const found = concernsOf(bin);
  const state = !bin.online ? "offline" : found.length > 0 ? "attention" : "good";
  const words = found.length > 0 ? found.map((concern) => concernName(text, concern)).join(", ") : text("online");
  const { latitude, longitude } = bin.place;
  const sign = { good: "✓", attention: "!", offline: "×" }[state];
  return { id: bin.id, latitude, longitude, state, sign, label: `${bin.name}: ${words}` };
}

export function FleetMap({ bins }: { bins: readonly BinView[] }) {
  const text = useFleetText();
  const navigate = useNavigate();
  const may = useMay("admin");
  const { data } = useQuery(settings);
  const markers = useMemo(() => bins.flatMap((bin) => markerOf(bin, text) ?? []), [bins, text]);
  const placed = bins.filter((bin) => bin.place);
  const unplaced = bins.filter((bin) => !bin.place);
  const open = (id: string) => void navigate({ to: "/fleet/$bin", params: { bin: id } });
  return (
    <div className={styles.beside}>
      <Stack gap="xs">
        <MapView
          label={text("map")}
          markers={markers}
          tiles={data?.map_tiles}
          zoomIn={text("zoomIn")}
          zoomOut={text("zoomOut")}
          onOpen={open}
        />
        <Group gap="md">
          <Text size="sm" c="dimmed">
            {text("legend")}
          </Text>
          {data && !data.map_tiles && (
            <Text size="sm" c="dimmed">
              {text("noTiles")}
            </Text>
          )}
        </Group>
      </Stack>
      <ScrollArea.Autosize mah="60dvh" type="auto" className="card" p={0} viewportProps={{ tabIndex: -1 }}>
        {placed.slice(0, LISTED).map((bin) => (
          <NavLink
            key={bin.id}
            component={Link}
            to={`/fleet/${encodeURIComponent(bin.id)}`}
            label={bin.name}
            description={bin.place?.address ?? undefined}
          />
        ))}
        {placed.length > LISTED && (
          <Text size="sm" c="dimmed" p="xs">
            {text("andMore", { more: placed.length - LISTED })}
          </Text>
        )}
        {unplaced.length > 0 && (
          <Stack gap={4} p="sm">
            <Text size="sm" fw={600}>
              {text("unplaced", { bins: unplaced.length })}
            </Text>
            {may && (
              <Text size="xs" c="dimmed">
                {text("unplacedHint")}
              </Text>
            )}
            {unplaced.slice(0, LISTED).map((bin) => (
              <Anchor key={bin.id} component={Link} to={`/fleet/${encodeURIComponent(bin.id)}`} size="sm">
                {bin.name}
              </Anchor>
            ))}
          </Stack>
        )}
      </ScrollArea.Autosize>
    </div>
  );
}
