// What is different between two frozen versions.

import { Group, NativeSelect, SimpleGrid, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { api, type Schemas, unwrap } from "../../../api/client";
import { Card } from "../../../components/Card";
import { Stat } from "../../../components/Stat";
import { Gallery } from "../../../components/sample/Gallery";
import { ErrorNote, Loaded } from "../../../components/states";
import { useAddress } from "../../../components/useAddress";
import { useClassName } from "../../../i18n/classes";
import { useFormat } from "../../../i18n/format";
import { useDatasetText } from "../text";

/** As many samples are shown one by one. */
const mostShown = 48;

export function Diff({ versions }: { versions: Schemas["Version"][] }) {
  const text = useDatasetText();
  const format = useFormat();
  const [address, setAddress] = useAddress();
  const known = (id: string | undefined) => versions.find((version) => version.id === id)?.id;
  const to = known(address.newer) ?? versions[0]?.id ?? "";
  const from = known(address.older) ?? versions.find((version) => version.id !== to)?.id ?? "";
  const options = versions.map((version) => ({
    value: version.id,
    label: [version.id.slice(0, 8), format.time(version.created_ms), version.note].filter(Boolean).join(" · "),
  }));
  const found = useQuery({
    queryKey: ["dataset-versions", from, to],
    queryFn: () => unwrap(api.GET("/api/v1/dataset/versions/{id}/diff/{to}", { params: { path: { id: from, to } } })),
    enabled: from !== to,
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <Card title={text("diff")} hint={text("diffHint")}>
      <Group grow mb="md">
        <NativeSelect
          label={text("older")}
          data={options}
          value={from}
          onChange={(event) => setAddress({ older: event.currentTarget.value })}
        />
        <NativeSelect
          label={text("newer")}
          data={options}
          value={to}
          onChange={(event) => setAddress({ newer: event.currentTarget.value })}
        />
      </Group>
      {from === to ? (
        <Text size="sm">{text("sameVersion")}</Text>
      ) : (
        <Loaded query={found}>{(diff) => <Found diff={diff} />}</Loaded>
      )}
      {found.isRefetchError && <ErrorNote error={found.error} />}
    </Card>
  );
}

function Found({ diff }: { diff: Schemas["Difference"] }) {
  const text = useDatasetText();
  const format = useFormat();
  const shown = diff.samples.slice(0, mostShown);
  return (
    <>
      <SimpleGrid cols={{ base: 2, sm: 3, lg: 5 }} mb="md">
        {(["added", "removed", "relabelled", "moved", "same"] as const).map((what) => (
          <Stat key={what} label={text(what)} value={format.number(diff[what])} />
        ))}
      </SimpleGrid>
      <Gallery
        tile="7.5rem"
        items={shown.map((sample) => ({
          id: sample.id,
          caption: (
            <>
              <LabelAndSplit words={sample.was ?? null} none={text("notThere")} />
              {" → "}
              <LabelAndSplit words={sample.is ?? null} none={text("gone")} />
            </>
          ),
        }))}
      />
      {diff.samples.length > mostShown && (
        <Text size="sm" c="dimmed">
          {text("firstOnly", { shown: format.number(mostShown) })}
        </Text>
      )}
    </>
  );
}

/** Label and split as the hub writes them: `glass train`, or a split of `none`. */
function LabelAndSplit({ words, none }: { words: string | null; none: string }) {
  const text = useDatasetText();
  const name = useClassName();
  if (words === null) {
    return (
      <Text span size="xs" c="dimmed">
        {none}
      </Text>
    );
  }
  const space = words.lastIndexOf(" ");
  const [label, split] = space < 0 ? [words, ""] : [words.slice(0, space), words.slice(space + 1)];
  const splitName = split === "train" || split === "validation" || split === "test" ? text(split) : "";
  return (
    <Text span size="xs">
      {name(label)}
      {splitName && (
        <Text span size="xs" c="dimmed">
          {` · ${splitName}`}
        </Text>
      )}
    </Text>
  );
}
