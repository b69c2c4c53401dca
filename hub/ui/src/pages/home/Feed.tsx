// What the bins see, as they see it.

import { Text, Title } from "@mantine/core";
import { IconCheck, IconX } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { api, unwrap } from "../../api/client";
import { useLive } from "../../api/live";
import { bins as binsQuery, type ItemSeen } from "../../api/queries";
import { ClassBadge } from "../../components/ClassBadge";
import { Empty, Loaded } from "../../components/states";
import { useClassName } from "../../i18n/classes";
import { useFormat } from "../../i18n/format";
import styles from "./Home.module.css";
import { useHomeText } from "./text";

/** Items that are kept in sight. */
const SHOWN = 10;

/** New items are shown together so often, in milliseconds, however many come. */
const TOGETHER_MS = 400;

export function Feed() {
  const text = useHomeText();
  const query = useQuery({
    queryKey: ["events"],
    queryFn: () => unwrap(api.GET("/api/v1/events", { params: { query: { limit: SHOWN } } })),
  });
  const { data: bins } = useQuery(binsQuery);
  const fresh = useFresh();
  const names = new Map(bins?.map((bin) => [bin.id, bin.name]));
  return (
    <section className="card" aria-label={text("feed")}>
      <Title order={2} size="h5" mb="xs">
        {text("feed")}
      </Title>
      <Loaded query={query}>
        {(first) => {
          const items = merged(fresh, first);
          if (items.length === 0) return <Empty title={text("noItems")}>{text("noItemsHint")}</Empty>;
          return (
            <ul className={styles.feed}>
              {items.map((item) => (
                <Item key={item.id} item={item} bin={names.get(item.bin) ?? item.bin} />
              ))}
            </ul>
          );
        }}
      </Loaded>
    </section>
  );
}

/** The newest of both, each once. */
export function merged(fresh: readonly ItemSeen[], first: readonly ItemSeen[]): ItemSeen[] {
  const byId = new Map([...first, ...fresh].map((item) => [item.id, item]));
  return [...byId.values()].sort((a, b) => b.id - a.id).slice(0, SHOWN);
}

/** What came since the page was opened. */
function useFresh(): readonly ItemSeen[] {
  const [fresh, setFresh] = useState<readonly ItemSeen[]>([]);
  const waiting = useRef<ItemSeen[]>([]);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useLive((event) => {
    if (event.type !== "item") return;
    waiting.current.push(event);
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      const come = waiting.current;
      waiting.current = [];
      setFresh((last) => merged(come, last));
    }, TOGETHER_MS);
  });
  useEffect(
    () => () => {
      clearTimeout(timer.current);
      timer.current = undefined;
    },
    [],
  );
  return fresh;
}

function Item({ item, bin }: { item: ItemSeen; bin: string }) {
  const text = useHomeText();
  const name = useClassName();
  const format = useFormat();
  const isRight = item.truth === item.label;
  return (
    <li className={styles.item}>
      <ClassBadge label={item.label} className={styles.itemClass} />
      <Text size="sm" className="figures" fw={600}>
        {format.percent(item.confidence)}
      </Text>
      <Text size="sm" className={styles.itemSure}>
        {text(item.sure ? "sure" : "unsure")}
        {item.truth != null && (
          <span className={styles.truth}>
            {isRight ? <IconCheck size={15} aria-hidden /> : <IconX size={15} aria-hidden />}
            {isRight ? text("right") : text("wrong", { label: name(item.truth) })}
          </span>
        )}
      </Text>
      <Text size="xs" c="dimmed" className={`${styles.itemFrom} figures`}>
        {`${bin} · ${format.duration(item.latency_ms)} · ${format.clock(item.at_ms)}`}
      </Text>
    </li>
  );
}
