// Labels that are probably wrong.

import { Anchor, Button, Group, Table, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { Schemas } from "../../../api/client";
import { Card } from "../../../components/Card";
import { ClassBadge } from "../../../components/ClassBadge";
import { useFormat } from "../../../i18n/format";
import { useDatasetText } from "../text";

/** @param at when it was found, in milliseconds since 1970 */
export function Noise({ noise, at }: { noise?: Schemas["NoiseReport"] | null; at?: number | null }) {
  const text = useDatasetText();
  const format = useFormat();
  return (
    <Card
      title={text("noise")}
      hint={text("noiseHint")}
      actions={
        noise && noise.suspects > 0 ? (
          <Button
            component={Link}
            to="/dataset"
            search={{ part: "find", suspect: "true" } as never}
            size="compact-sm"
            variant="light"
          >
            {text("seeSuspects", { count: noise.suspects })}
          </Button>
        ) : undefined
      }
    >
      {!noise ? (
        <Text size="sm" c="dimmed">
          {text("noiseUnknown")}
        </Text>
      ) : (
        <>
          <Text size="sm">
            {text("noiseShare", { share: format.finePercent(noise.share), judged: format.number(noise.judged) })}
            {at ? ` ${text("asOf", { at: format.time(at) })}` : ""}
          </Text>
          {noise.pairs.length > 0 && <Pairs pairs={noise.pairs} />}
        </>
      )}
    </Card>
  );
}

function Pairs({ pairs }: { pairs: Schemas["NoisyPair"][] }) {
  const text = useDatasetText();
  const format = useFormat();
  return (
    <Table mt="sm" verticalSpacing={4}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{text("noiseLabel")}</Table.Th>
          <Table.Th>{text("noiseLikely")}</Table.Th>
          <Table.Th ta="right">{text("noiseImages")}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {pairs.slice(0, 6).map((pair) => (
          <Table.Tr key={`${pair.label} ${pair.likely}`}>
            <Table.Td>
              <ClassBadge label={pair.label} />
            </Table.Td>
            <Table.Td>
              <ClassBadge label={pair.likely} />
            </Table.Td>
            <Table.Td ta="right" className="figures">
              <Group justify="flex-end">
                <Anchor
                  component={Link}
                  to="/dataset"
                  search={{ part: "find", suspect: "true", label: pair.label } as never}
                  fz="sm"
                >
                  {text("about", { images: format.number(pair.images) })}
                </Anchor>
              </Group>
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
