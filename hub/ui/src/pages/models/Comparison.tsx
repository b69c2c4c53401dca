// What a comparison found: both accuracies, whether chance explains the difference, class by class, and the images.

import { Alert, SimpleGrid, Stack, Table, Text } from "@mantine/core";
import type { Schemas } from "../../api/client";
import { Card } from "../../components/Card";
import { ClassBadge } from "../../components/ClassBadge";
import { IntervalBar } from "../../components/report/IntervalBar";
import { Scrolls } from "../../components/Scrolls";
import { Gallery } from "../../components/sample/Gallery";
import { useClassName } from "../../i18n/classes";
import { useFormat } from "../../i18n/format";
import { useModelsText } from "./text";
import { probability, significance, verdictOf } from "./verdict";

const colours = { a: "blue", b: "blue", same: "gray", chance: "yellow" } as const;

export function Comparison({ report }: { report: Schemas["ComparisonReport"] }) {
  const text = useModelsText();
  const format = useFormat();
  const verdict = verdictOf(report);
  const values = {
    a: report.a.model,
    b: report.b.model,
    onlyA: format.number(report.test.only_old),
    onlyB: format.number(report.test.only_new),
    images: format.number(report.images),
    p: probability(report.test.p, format.decimal),
  };
  const titles = { a: "aBetter", b: "bBetter", same: "bothSame", chance: "chance" } as const;
  return (
    <Stack>
      <Alert color={colours[verdict]} title={text(titles[verdict], values)}>
        <Text size="sm">{text("mcnemar", values)}</Text>
        {typeof report.smallest_loss === "number" && (
          <Text size="sm" mt={4}>
            {text("smallestLoss", { loss: format.finePercent(report.smallest_loss) })}
          </Text>
        )}
      </Alert>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <Side side={report.a} images={report.images} />
        <Side side={report.b} images={report.images} />
      </SimpleGrid>
      <ByClass report={report} />
      <Differing report={report} />
    </Stack>
  );
}

function Side({ side, images }: { side: Schemas["Side"]; images: number }) {
  const text = useModelsText();
  const format = useFormat();
  const name = useClassName();
  return (
    <Card
      title={side.model}
      hint={text("right", { correct: format.number(side.correct), images: format.number(images) })}
    >
      <IntervalBar share={side.accuracy} interval={side.interval} />
      {side.lacks.length > 0 && (
        <Text size="sm" mt="xs">
          {text("lacks", { classes: side.lacks.map(name).join(", ") })}
        </Text>
      )}
    </Card>
  );
}

function ByClass({ report }: { report: Schemas["ComparisonReport"] }) {
  const text = useModelsText();
  const format = useFormat();
  return (
    <Card title={text("byClass")} hint={text("byClassHint")}>
      <Scrolls label={text("byClass")}>
        <Table verticalSpacing="xs" miw={480}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{text("class")}</Table.Th>
              <Table.Th ta="right">{text("imagesHead")}</Table.Th>
              <Table.Th ta="right">{report.a.model}</Table.Th>
              <Table.Th ta="right">{report.b.model}</Table.Th>
              <Table.Th ta="right">{text("difference")}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {report.by_class.map((each) => {
              const change = each.new_right - each.old_right;
              return (
                <Table.Tr key={each.label}>
                  <Table.Td>
                    <ClassBadge label={each.label} />
                  </Table.Td>
                  <Table.Td ta="right" className="figures">
                    {format.number(each.images)}
                  </Table.Td>
                  <Table.Td ta="right" className="figures">
                    {format.number(each.old_right)}
                  </Table.Td>
                  <Table.Td ta="right" className="figures">
                    {format.number(each.new_right)}
                  </Table.Td>
                  <Table.Td ta="right" className="figures" fw={each.p_worse < significance ? 650 : 400}>
                    {change > 0 ? `+${format.number(change)}` : format.number(change)}
                    {each.p_worse < significance && ` ${text("worseBeyondChance")}`}
                  </Table.Td>
                </Table.Tr>
              );
            })}
          </Table.Tbody>
        </Table>
      </Scrolls>
    </Card>
  );
}

function Differing({ report }: { report: Schemas["ComparisonReport"] }) {
  const text = useModelsText();
  const name = useClassName();
  const sides = [
    { side: report.a, other: report.b, images: report.differing.filter((each) => each.a === each.truth) },
    { side: report.b, other: report.a, images: report.differing.filter((each) => each.a !== each.truth) },
  ];
  return (
    <SimpleGrid cols={{ base: 1, lg: 2 }} style={{ alignItems: "start" }}>
      {sides.map(({ side, other, images }) => (
        <Card key={side.model} title={text("onlyRight", { model: side.model, count: images.length })}>
          {images.length === 0 ? (
            <Text size="sm">{text("noneOnly")}</Text>
          ) : (
            <Gallery
              tile="7.5rem"
              items={images.map((each) => {
                const wrong = each.a === each.truth ? each.b : each.a;
                const words = text("otherSays", {
                  truth: name(each.truth),
                  model: other.model,
                  answer: name(wrong),
                });
                return {
                  id: each.sample,
                  label: each.truth,
                  caption: words,
                  note: <Text size="sm">{words}</Text>,
                };
              })}
            />
          )}
        </Card>
      ))}
    </SimpleGrid>
  );
}
