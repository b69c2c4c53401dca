// Samples by their fields or by an image that they look like.

import { Button, Group, Stack, Text } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { api, type Schemas, unwrap } from "../../../api/client";
import { ClassBadge } from "../../../components/ClassBadge";
import { Gallery, type Shown } from "../../../components/sample/Gallery";
import { Empty, ErrorNote, Loading } from "../../../components/states";
import { useAddress } from "../../../components/useAddress";
import { useClassName } from "../../../i18n/classes";
import { useFormat } from "../../../i18n/format";
import { useDatasetText } from "../text";
import { ByImage } from "./ByImage";
import { Filters } from "./Filters";
import { countOf, filterNames, questionOf } from "./filter";

/** Samples of a page. */
const pageSize = 48;

export function Find() {
  const text = useDatasetText();
  const [address, setAddress] = useAddress();
  const [byImage, setByImage] = useState<Shown[] | null>(null);
  const clear = () => setAddress(Object.fromEntries(filterNames.map((name) => [name, ""])));
  return (
    <Stack>
      <Filters address={address} onChange={setAddress} onClear={clear} count={countOf(address)} />
      <ByImage onFound={setByImage} />
      {byImage ? (
        byImage.length > 0 ? (
          <Gallery items={byImage} />
        ) : (
          <Empty title={text("nothingAlike")} />
        )
      ) : (
        <Hits onClear={clear} />
      )}
    </Stack>
  );
}

function Hits({ onClear }: { onClear: () => void }) {
  const text = useDatasetText();
  const format = useFormat();
  const [address, setAddress] = useAddress();
  const question = useMemo(() => questionOf(address), [address]);
  const found = useInfiniteQuery({
    queryKey: ["search", question],
    queryFn: ({ pageParam }) => {
      const query = { ...question, limit: pageSize, ...(pageParam ? { after: pageParam } : {}) };
      return unwrap(api.GET("/api/v1/search", { params: { query } }));
    },
    initialPageParam: "",
    getNextPageParam: (page) => page.next ?? undefined,
  });
  if (found.isPending) return <Loading lines={6} />;
  if (!found.data) return <ErrorNote error={found.error} retry={() => void found.refetch()} />;
  const hits = found.data.pages.flatMap((page) => page.hits);
  if (hits.length === 0) {
    return (
      <Empty title={text("nothingFound")}>
        {countOf(address) > 0 && (
          <Button variant="default" onClick={onClear}>
            {text("clear")}
          </Button>
        )}
      </Empty>
    );
  }
  return (
    <Stack>
      <Text size="sm" c="dimmed" role="status">
        {text(found.hasNextPage ? "shownMore" : "shown", {
          shown: format.number(hits.length),
          count: hits.length,
        })}
      </Text>
      <Gallery
        items={hits.map(shownOf)}
        address={{ open: address.sample, onOpen: (sample) => setAddress({ sample }) }}
      />
      {found.isFetchNextPageError && <ErrorNote error={found.error} />}
      {found.hasNextPage && (
        <Group justify="center">
          <Button variant="default" onClick={() => void found.fetchNextPage()} loading={found.isFetchingNextPage}>
            {text("more")}
          </Button>
        </Group>
      )}
    </Stack>
  );
}

function shownOf(hit: Schemas["SearchHit"]): Shown {
  return {
    id: hit.sample.id,
    label: hit.sample.label,
    sample: hit.sample,
    caption: <HitCaption hit={hit} />,
    note: hit.suggested ? <Suggested label={hit.suggested} /> : undefined,
  };
}

function Suggested({ label }: { label: string }) {
  const text = useDatasetText();
  const name = useClassName();
  return <Text size="sm">{text("suggested", { label: name(label) })}</Text>;
}

/** What it is, and how unsure the model is, or what else its label should probably be. */
function HitCaption({ hit }: { hit: Schemas["SearchHit"] }) {
  const text = useDatasetText();
  const format = useFormat();
  return (
    <Stack gap={2}>
      <Group gap={4}>
        {hit.sample.label ? (
          <ClassBadge label={hit.sample.label} size="sm" />
        ) : (
          <Text size="xs" c="dimmed">
            {text("noLabel")}
          </Text>
        )}
        {hit.suggested && (
          <>
            <Text span size="xs" c="dimmed">
              {text("rather")}
            </Text>
            <ClassBadge label={hit.suggested} size="sm" variant="outline" />
          </>
        )}
      </Group>
      {typeof hit.unsure === "number" && (
        <Text size="xs" c="dimmed" className="figures">
          {text("unsureBy", { share: format.percent(hit.unsure) })}
        </Text>
      )}
    </Stack>
  );
}
