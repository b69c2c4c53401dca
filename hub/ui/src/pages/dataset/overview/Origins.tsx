// Where samples come from: sources and bins.

import { Anchor, Box, Title } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { Schemas } from "../../../api/client";
import { Card } from "../../../components/Card";
import { Legend, StackedBars } from "../../../components/StackedBars";
import { sourceKey } from "../../../components/sample/Known";
import { useSampleText } from "../../../components/sample/text";
import { useFormat } from "../../../i18n/format";
import { useDatasetText } from "../text";

/** More bins than this are left to the search. */
const mostBins = 12;

const colours = { labelled: "leaf.6", unusable: "red.5", waiting: "gray.5" };

export function Origins({ sources, bins }: { sources: Record<string, number>; bins: Schemas["BinCounts"][] }) {
  const text = useDatasetText();
  const words = useSampleText();
  const format = useFormat();
  const ranked = bins.toSorted((a, b) => b.samples - a.samples);
  const partsOf = (bin: Schemas["BinCounts"]) => [
    { name: text("labelled"), value: bin.labelled, colour: colours.labelled },
    { name: text("unlabelled"), value: bin.samples - bin.labelled - bin.unusable, colour: colours.waiting },
    { name: text("unusable"), value: bin.unusable, colour: colours.unusable },
  ];
  return (
    <Card title={text("origins")} hint={text("originsHint")}>
      <StackedBars
        bars={Object.entries(sources).map(([source, samples]) => ({
          key: source,
          label: (
            <Anchor component={Link} to="/dataset" search={{ part: "find", source } as never} fz="sm">
              {words(sourceKey(source))}
            </Anchor>
          ),
          parts: [{ name: words(sourceKey(source)), value: samples, colour: "blue.6" }],
          figure: format.number(samples),
        }))}
      />
      <Box mt="md">
        <Title order={3} size="h6" mb={4}>
          {text("bins", { count: ranked.filter((bin) => bin.bin).length })}
        </Title>
        {ranked[0] && <Legend parts={partsOf(ranked[0])} />}
        <StackedBars
          bars={ranked.slice(0, mostBins).map((bin) => ({
            key: bin.bin ?? "",
            label: bin.bin ? (
              <Anchor component={Link} to="/dataset" search={{ part: "find", bin: bin.bin } as never} fz="sm">
                {bin.bin}
              </Anchor>
            ) : (
              text("noBin")
            ),
            parts: partsOf(bin),
            figure: format.number(bin.samples),
            details: text("binDetails", {
              labelled: format.number(bin.labelled),
              unusable: format.number(bin.unusable),
            }),
          }))}
        />
      </Box>
    </Card>
  );
}
