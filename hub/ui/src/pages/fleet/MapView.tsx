// A map with markers. Loaded only where a map is shown.

import "leaflet/dist/leaflet.css";
import L from "leaflet";
import { useEffect, useRef } from "react";
import styles from "./MapView.module.css";

export interface Marker {
  id: string;
  latitude: number;
  longitude: number;
  /** Read by who cannot see it, and shown beside the pointer. */
  label: string;
  /** A sign in the marker, so that its colour does not say it alone. */
  sign: string;
  state: "good" | "attention" | "offline";
}

export interface MapViewProps {
  label: string;
  markers: readonly Marker[];
  /** The address of map pictures with `{z}`, `{x}` and `{y}`; without it, the ground is plain. */
  tiles?: string | null;
  zoomIn: string;
  zoomOut: string;
  height?: string;
  onOpen?: (id: string) => void;
  /** Called with where somebody clicked. */
  onPick?: (latitude: number, longitude: number) => void;
}

/** Where a map of no marker begins: the whole earth. */
const EARTH: L.LatLngBoundsExpression = [
  [-50, -120],
  [60, 140],
];

/** No nearer than this when the map shows all markers at first. */
const NEAREST = 16;

export function MapView({ label, markers, tiles, zoomIn, zoomOut, height = "60dvh", onOpen, onPick }: MapViewProps) {
  const place = useRef<HTMLElement>(null);
  const map = useRef<L.Map>(undefined);
  const layer = useRef<L.LayerGroup>(undefined);
  const fitted = useRef(false);
  const calls = useRef({ onOpen, onPick });
  calls.current = { onOpen, onPick };

  useEffect(() => {
    if (!place.current) return;
    const made = L.map(place.current, {
      zoomControl: false,
      attributionControl: false,
      worldCopyJump: true,
      minZoom: 2,
      maxZoom: 19,
    });
    made.fitBounds(EARTH);
    L.control.zoom({ zoomInTitle: zoomIn, zoomOutTitle: zoomOut }).addTo(made);
    L.control.scale({ imperial: false }).addTo(made);
    if (tiles) L.tileLayer(tiles, { maxZoom: 19 }).addTo(made);
    made.on("click", ({ latlng }) => {
      const at = latlng.wrap();
      calls.current.onPick?.(at.lat, at.lng);
    });
    layer.current = L.layerGroup().addTo(made);
    map.current = made;
    fitted.current = false;
    return () => {
      made.remove();
      map.current = undefined;
    };
  }, [tiles, zoomIn, zoomOut]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a map that was made anew is empty
  useEffect(() => {
    const group = layer.current;
    if (!group || !map.current) return;
    group.clearLayers();
    for (const { id, latitude, longitude, label: title, sign, state } of markers) {
      const icon = L.divIcon({ className: `${styles.marker} ${styles[state]}`, html: sign, iconSize: [26, 26] });
      const marker = L.marker([latitude, longitude], {
        icon,
        title,
        alt: title,
        keyboard: calls.current.onOpen !== undefined,
      });
      marker.on("click", () => calls.current.onOpen?.(id));
      marker.on("keydown", ({ originalEvent }: L.LeafletKeyboardEvent) => {
        if (originalEvent.key === "Enter") calls.current.onOpen?.(id);
      });
      marker.addTo(group);
      const element = marker.getElement();
      element?.setAttribute("aria-label", title);
      if (calls.current.onOpen) element?.setAttribute("role", "link");
      else element?.setAttribute("role", "img");
    }
    if (!fitted.current && markers.length > 0) {
      fitted.current = true;
      map.current.fitBounds(L.latLngBounds(markers.map(({ latitude, longitude }) => [latitude, longitude])).pad(0.2), {
        maxZoom: NEAREST,
      });
    }
  }, [markers, tiles, zoomIn, zoomOut]);

  return <section ref={place} className={styles.map} style={{ height }} aria-label={label} />;
}
