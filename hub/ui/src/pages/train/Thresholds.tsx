// From which probability a bin counts as sure, class by class.

import { Table } from "@mantine/core";
import type { Schemas } from "../../api/client";
import { Card } from "../../components/Card";
import { ClassBadge } from "../../components/ClassBadge";
import { Scrolls } from "../../components/Scrolls";
import { useFormat } from "../../i18n/format";
import { useTrainText } from "./text";

export function Thresholds({ thresholds }: { thresholds: Schemas["ThresholdFigures"][] }) {
  const text = useTrainText();
  const format = useFormat();
  return (
    <Card title={text("thresholds")} hint={text("thresholdsHint")}>
      <Scrolls label={text("thresholds")}>
        <Table verticalSpacing={4} fz="sm" miw={420}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{text("class")}</Table.Th>
              <Table.Th ta="right">{text("sureFrom")}</Table.Th>
              <Table.Th ta="right">{text("sureOf")}</Table.Th>
              <Table.Th ta="right">{text("wrong")}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {thresholds.map((each) => (
              <Table.Tr key={each.label}>
                <Table.Td>
                  <ClassBadge label={each.label} />
                </Table.Td>
                <Table.Td ta="right" className="figures">
                  {typeof each.threshold === "number" ? format.finePercent(each.threshold) : text("never")}
                </Table.Td>
                <Table.Td ta="right" className="figures">
                  {text("ofAnswers", { sure: format.number(each.sure), answers: format.number(each.answers) })}
                </Table.Td>
                <Table.Td ta="right" className="figures">
                  {format.number(each.wrong)}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Scrolls>
    </Card>
  );
}
