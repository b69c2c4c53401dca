// How the work goes: what is done, what waits, what is in hand, and what is on its way to the hub.

import { Badge, Button, Group, Text } from "@mantine/core";
import { IconCloudUpload, IconCloudX } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { api, unwrap } from "../../api/client";
import { problemText, useStatesText } from "../../components/states";
import { useFormat } from "../../i18n/format";
import type { Snapshot } from "./deskStore";
import styles from "./Review.module.css";
import { useReviewText } from "./text";

/** Unsent answers below this number are the normal course of things, and not worth a word. */
const MANY = 4;

export function Progress({ snapshot, onRetry }: { snapshot: Snapshot; onRetry: () => void }) {
  const text = useReviewText();
  const states = useStatesText();
  const format = useFormat();
  const since = new Date().setHours(0, 0, 0, 0);
  const { data: queue } = useQuery({
    queryKey: ["review-queue", since],
    queryFn: () => unwrap(api.GET("/api/v1/review", { params: { query: { since_ms: since } } })),
    placeholderData: (last) => last,
  });
  const { desk } = snapshot;
  const until = Math.min(...desk.queue.map((item) => item.leased_until_ms ?? Number.POSITIVE_INFINITY));
  const unsent = desk.outbox.length;
  return (
    <>
      <Group gap="xs" className={styles.progress}>
        <Figure value={format.number(queue?.answered_by_me ?? desk.taken)} label={text("today")} />
        {queue && queue.answered > queue.answered_by_me && (
          <Figure value={format.number(queue.answered)} label={text("todayAll")} extra />
        )}
        {queue && <Figure value={format.number(queue.open)} label={text("waiting")} />}
        {queue && queue.second + queue.disputed > 0 && (
          <Figure value={format.number(queue.second + queue.disputed)} label={text("moreOpinions")} extra />
        )}
        {queue && queue.suspect > 0 && <Figure value={format.number(queue.suspect)} label={text("suspects")} extra />}
        {desk.queue.length > 0 && (
          <Figure
            value={format.number(desk.queue.length)}
            extra
            label={Number.isFinite(until) ? text("inHandUntil", { time: format.clock(until) }) : text("inHand")}
          />
        )}
        {!desk.stalled && unsent >= MANY && (
          <Badge variant="light" leftSection={<IconCloudUpload size={14} />} tt="none">
            {text("onTheWay", { count: unsent, number: format.number(unsent) })}
          </Badge>
        )}
      </Group>
      {desk.stalled && (
        <Group className={styles.stalled} gap="sm" role="status">
          <IconCloudX size={20} aria-hidden />
          <Text size="sm" style={{ flex: 1 }}>
            {text("stalled", { count: unsent, number: format.number(unsent) })} {problemText(states, desk.stalled)}
          </Text>
          <Button size="compact-sm" variant="default" onClick={onRetry}>
            {text("tryNow")}
          </Button>
        </Group>
      )}
    </>
  );
}

function Figure({ value, label, extra }: { value: string; label: string; extra?: boolean }) {
  return (
    <Text size="sm" component="span" className={extra ? styles.extra : undefined}>
      <Text span fw={650} className="figures">
        {value}
      </Text>{" "}
      <Text span c="dimmed">
        {label}
      </Text>
    </Text>
  );
}
