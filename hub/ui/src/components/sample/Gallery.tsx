// Samples as a grid of images, each of which opens large.

import { Box, Text, UnstyledButton } from "@mantine/core";
import { type ReactNode, useState } from "react";
import type { SampleView } from "../../api/queries";
import { useClassName } from "../../i18n/classes";
import { SampleImage } from "../SampleImage";
import styles from "./Gallery.module.css";
import { SampleDialog } from "./SampleDialog";

/** A sample to show, with as much as is known of it here. */
export interface Shown {
  id: string;
  /** Its label. */
  label?: string | null;
  sample?: SampleView;
  /** What stands below its image. */
  caption?: ReactNode;
  /** What else is to be said of it when it is open. */
  note?: ReactNode;
}

/**
 * @param tile the least width of an image
 * @param address which one is open, where the page keeps that in its address
 */
export function Gallery({
  items,
  tile = "8.5rem",
  address,
}: {
  items: Shown[];
  tile?: string;
  address?: { open?: string; onOpen: (id: string | undefined) => void };
}) {
  const [chosen, setChosen] = useState<Shown | null>(null);
  const addressed = address?.open ? (items.find((item) => item.id === address.open) ?? { id: address.open }) : null;
  const open = address ? (addressed && chosen?.id === addressed.id ? chosen : addressed) : chosen;
  const setOpen = (shown: Shown | null) => {
    setChosen(shown);
    address?.onOpen(shown?.id);
  };
  const place = open ? items.findIndex((item) => item.id === open.id) : -1;
  const step = (by: number) => {
    const next = place < 0 ? undefined : items[place + by];
    if (next) setOpen(next);
  };
  return (
    <>
      <Box component="ul" className={`tiles ${styles.grid}`} __vars={{ "--tile": tile }}>
        {items.map((item) => (
          <li key={item.id}>
            <Tile item={item} onOpen={() => setOpen(item)} />
          </li>
        ))}
      </Box>
      {open && (
        <SampleDialog
          shown={open}
          onClose={() => setOpen(null)}
          onOpen={setOpen}
          onStep={items.length > 1 && place >= 0 ? step : undefined}
        />
      )}
    </>
  );
}

function Tile({ item, onOpen }: { item: Shown; onOpen: () => void }) {
  const name = useClassName();
  return (
    <UnstyledButton className={styles.tile} onClick={onOpen}>
      <div className={styles.image}>
        <SampleImage sample={item.id} label={item.label ? name(item.label) : undefined} />
      </div>
      {item.caption && (
        <Text component="div" size="xs" mt={4}>
          {item.caption}
        </Text>
      )}
    </UnstyledButton>
  );
}
