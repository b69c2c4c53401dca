// The samples that look most like one.

import { Box, Text, Title, UnstyledButton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { api, type Schemas, unwrap } from "../../api/client";
import { asApiError } from "../../api/problem";
import { useClassName } from "../../i18n/classes";
import { useFormat } from "../../i18n/format";
import { SampleImage } from "../SampleImage";
import { Loaded } from "../states";
import type { Shown } from "./Gallery";
import styles from "./Gallery.module.css";
import { useSampleText } from "./text";

const count = 12;

export function Similar({ id, onOpen }: { id: string; onOpen: (shown: Shown) => void }) {
  const text = useSampleText();
  const found = useQuery({
    queryKey: ["similar", id],
    queryFn: () => unwrap(api.GET("/api/v1/samples/{id}/similar", { params: { path: { id }, query: { count } } })),
  });
  // Not embedded yet, or unreadable: nothing to offer, and nothing went wrong.
  if (found.isError && [409, 503].includes(asApiError(found.error).status)) return null;
  return (
    <Box mt="md">
      <Title order={3} size="h6" mb="xs">
        {text("similar")}
      </Title>
      <Loaded query={found} lines={2}>
        {({ samples }) =>
          samples.length === 0 ? (
            <Text size="sm" c="dimmed">
              {text("noneSimilar")}
            </Text>
          ) : (
            <Box component="ul" className={`tiles ${styles.grid}`} __vars={{ "--tile": "6.5rem" }}>
              {samples.map((similar) => (
                <li key={similar.sample.id}>
                  <SimilarTile similar={similar} onOpen={onOpen} />
                </li>
              ))}
            </Box>
          )
        }
      </Loaded>
    </Box>
  );
}

function SimilarTile({ similar, onOpen }: { similar: Schemas["SimilarSample"]; onOpen: (shown: Shown) => void }) {
  const text = useSampleText();
  const name = useClassName();
  const { sample } = similar;
  const label = sample.label ? name(sample.label) : undefined;
  return (
    <UnstyledButton className={styles.tile} onClick={() => onOpen({ id: sample.id, label: sample.label, sample })}>
      <div className={styles.image}>
        <SampleImage sample={sample.id} label={label} />
      </div>
      <Text component="div" size="xs">
        {label ?? text("unlabelled")}
      </Text>
      <SimilarShare similarity={similar.similarity} />
    </UnstyledButton>
  );
}

/** How alike, for people: the cosine as a share. */
export function SimilarShare({ similarity }: { similarity: number }) {
  const text = useSampleText();
  const format = useFormat();
  return (
    <Text component="div" size="xs" c="dimmed" className="figures">
      {text("alike", { share: format.percent(Math.max(0, similarity)) })}
    </Text>
  );
}
