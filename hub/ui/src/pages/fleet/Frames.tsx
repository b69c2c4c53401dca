// The last pictures that a bin sent.

import { Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { ClassBadge } from "../../components/ClassBadge";
import { SampleImage } from "../../components/SampleImage";
import { Loaded } from "../../components/states";
import { useClassName } from "../../i18n/classes";
import { useFormat } from "../../i18n/format";
import { framesOf } from "./queries";
import { useFleetText } from "./text";

export function Frames({ id }: { id: string }) {
  const text = useFleetText();
  const format = useFormat();
  const className = useClassName();
  const query = useQuery(framesOf(id));
  return (
    <section className="card">
      <Title order={2} size="h4">
        {text("lastFrames")}
      </Title>
      <Text size="sm" c="dimmed" mb="xs">
        {text("framesWhy")}
      </Text>
      <Loaded query={query}>
        {(hits) =>
          hits.length === 0 ? (
            <Text c="dimmed">{text("noFrames")}</Text>
          ) : (
            <div className="tiles" style={{ "--tile": "9rem" } as React.CSSProperties}>
              {hits.map(({ sample }) => (
                <figure key={sample.id} style={{ margin: 0 }}>
                  <div style={{ aspectRatio: "4 / 3" }}>
                    <SampleImage sample={sample.id} label={sample.label ? className(sample.label) : undefined} />
                  </div>
                  <figcaption>
                    {sample.label && <ClassBadge label={sample.label} size="sm" />}
                    <Text size="xs" c="dimmed">
                      {format.time(sample.received_ms)}
                    </Text>
                  </figcaption>
                </figure>
              ))}
            </div>
          )
        }
      </Loaded>
    </section>
  );
}
