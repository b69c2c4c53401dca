// The fleet at a glance: how it is, what it sees right now, how often it is right, and what needs somebody.

import { SegmentedControl } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, unwrap } from "../../api/client";
import { status } from "../../api/queries";
import { LevelCard } from "../../components/model/LevelCard";
import { PageHead } from "../../components/states";
import { Attentions } from "./Attentions";
import { Classes } from "./Classes";
import { Feed } from "./Feed";
import { Field } from "./Field";
import { Figures } from "./Figures";
import styles from "./Home.module.css";
import { Training } from "./Training";
import { useHomeText } from "./text";

/** Spans that can be looked back over, in hours. */
const spans = [24, 168, 720] as const;

export function Home() {
  const text = useHomeText();
  const hub = useQuery(status);
  const [hours, setHours] = useState<number>(spans[0]);
  const field = useQuery({
    queryKey: ["field", hours],
    queryFn: () => unwrap(api.GET("/api/v1/field", { params: { query: { hours } } })),
    placeholderData: (last) => last,
  });
  return (
    <>
      <PageHead title={text("title")}>
        <SegmentedControl
          aria-label={text("span")}
          value={String(hours)}
          onChange={(value) => setHours(Number(value))}
          data={spans.map((span) => ({ value: String(span), label: text(`hours${span}`) }))}
        />
      </PageHead>
      <Figures field={field} hours={hours} />
      <div className={styles.columns}>
        <div className={styles.column}>
          <Field query={field} />
          <Classes query={field} />
        </div>
        <div className={`${styles.column} ${styles.now}`}>
          <Training />
          <Attentions />
          <Feed />
          {hub.data && <LevelCard level={hub.data.ai_level} />}
        </div>
      </div>
    </>
  );
}
