// What people say of a bin: its name, its group, where it stands.

import { Button, Group, NumberInput, Stack, Text, TextInput, Title } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, lazy, Suspense, useMemo, useState } from "react";
import { api, type Schemas, unwrap } from "../../api/client";
import { useMay } from "../../api/queries";
import { ErrorNote, Loading } from "../../components/states";
import type { Marker } from "./MapView";
import { type BinDetail, settings } from "./queries";
import { useFleetText } from "./text";

const MapView = lazy(() => import("./MapView").then(({ MapView }) => ({ default: MapView })));

/** As it is being typed: a coordinate may be empty, or a lone minus. */
interface Draft {
  name: string;
  group: string;
  latitude: string | number;
  longitude: string | number;
  address: string;
}

/** A coordinate, null if it is left out, and undefined while it is not one. */
function degrees(typed: string | number): number | null | undefined {
  if (typed === "") return null;
  return typeof typed === "number" ? typed : undefined;
}

/** What a draft changes, or null while it is not whole. */
export function changeOf(draft: Draft): Schemas["BinChange"] | null {
  const [latitude, longitude] = [degrees(draft.latitude), degrees(draft.longitude)];
  if (latitude === undefined || longitude === undefined) return null;
  if (draft.name.trim() === "" || (latitude === null) !== (longitude === null)) return null;
  const address = draft.address.trim() || null;
  return {
    name: draft.name.trim(),
    group: draft.group.trim() || null,
    place: latitude === null || longitude === null ? null : { latitude, longitude, address },
  };
}

export function Details({ bin }: { bin: BinDetail }) {
  const text = useFleetText();
  const may = useMay("admin");
  const queries = useQueryClient();
  const { data } = useQuery(settings);
  const [draft, setDraft] = useState<Draft>({
    name: bin.name,
    group: bin.group ?? "",
    latitude: bin.place?.latitude ?? "",
    longitude: bin.place?.longitude ?? "",
    address: bin.place?.address ?? "",
  });
  const set = (change: Partial<Draft>) => setDraft((before) => ({ ...before, ...change }));
  const wanted = changeOf(draft);
  const save = useMutation({
    mutationFn: (body: Schemas["BinChange"]) =>
      unwrap(api.PATCH("/api/v1/bins/{id}", { params: { path: { id: bin.id } }, body })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["bins"] }),
  });
  const [latitude, longitude] = [degrees(draft.latitude), degrees(draft.longitude)];
  const markers = useMemo<Marker[]>(
    () =>
      typeof latitude !== "number" || typeof longitude !== "number"
        ? []
        : [{ id: bin.id, latitude, longitude, label: bin.name, sign: "•", state: "good" }],
    [bin.id, bin.name, latitude, longitude],
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (wanted) save.mutate(wanted);
  };
  const map = (
    <Suspense fallback={<Loading />}>
      <MapView
        label={text("map")}
        height="16rem"
        markers={markers}
        tiles={data?.map_tiles}
        zoomIn={text("zoomIn")}
        zoomOut={text("zoomOut")}
        onPick={may ? (north, east) => set({ latitude: rounded(north), longitude: rounded(east) }) : undefined}
      />
    </Suspense>
  );
  if (!may) {
    return (
      <section className="card">
        <Title order={2} size="h4" mb="xs">
          {text("place")}
        </Title>
        {bin.place ? map : <Text c="dimmed">{text("notPlaced")}</Text>}
        {bin.place?.address && <Text mt="xs">{bin.place.address}</Text>}
      </section>
    );
  }
  return (
    <section className="card">
      <Title order={2} size="h4" mb="xs">
        {text("details")}
      </Title>
      <form onSubmit={submit}>
        <Stack gap="sm">
          <Group grow align="flex-start">
            <TextInput
              label={text("name")}
              value={draft.name}
              maxLength={80}
              onChange={(event) => set({ name: event.currentTarget.value })}
              required
              withAsterisk={false}
            />
            <TextInput
              label={text("group")}
              value={draft.group}
              maxLength={80}
              onChange={(event) => set({ group: event.currentTarget.value })}
            />
          </Group>
          <TextInput
            label={text("address")}
            value={draft.address}
            maxLength={200}
            onChange={(event) => set({ address: event.currentTarget.value })}
          />
          <Text size="sm" c="dimmed">
            {text("pickHint")}
          </Text>
          {map}
          <Group grow align="flex-start">
            <NumberInput
              label={text("latitude")}
              value={draft.latitude}
              min={-90}
              max={90}
              decimalScale={6}
              onChange={(value) => set({ latitude: value })}
            />
            <NumberInput
              label={text("longitude")}
              value={draft.longitude}
              min={-180}
              max={180}
              decimalScale={6}
              onChange={(value) => set({ longitude: value })}
            />
          </Group>
          {save.isError && <ErrorNote error={save.error} />}
          <Group justify="flex-end">
            {draft.latitude !== "" && (
              <Button variant="subtle" onClick={() => set({ latitude: "", longitude: "", address: "" })}>
                {text("forgetPlace")}
              </Button>
            )}
            <Button type="submit" loading={save.isPending} disabled={!wanted}>
              {text("save")}
            </Button>
          </Group>
        </Stack>
      </form>
    </section>
  );
}

/** A coordinate to a tenth of a metre. */
function rounded(degrees: number): number {
  return Math.round(degrees * 1e6) / 1e6;
}
