// What each class is taken for: a matrix whose cells open their images.

import { Table, Text, UnstyledButton } from "@mantine/core";
import { useState } from "react";
import type { Schemas } from "../../api/client";
import { useClassName } from "../../i18n/classes";
import { useFormat } from "../../i18n/format";
import { Card } from "../Card";
import { Scrolls } from "../Scrolls";
import { type Cell, CellImages } from "./CellImages";
import styles from "./Confusion.module.css";
import { useReportText } from "./text";

export function Confusion({
  model,
  labels,
  set,
  on,
}: {
  model: string;
  labels: string[];
  set: Schemas["SetReport"];
  on: "test" | "field";
}) {
  const text = useReportText();
  const [open, setOpen] = useState<Cell | null>(null);
  return (
    <Card title={text("confusion")} hint={text("confusionHint")}>
      <Matrix labels={labels} confusion={set.confusion} open={open} onOpen={setOpen} />
      {open && <CellImages key={`${open.truth} ${open.answer}`} model={model} cell={open} on={on} />}
    </Card>
  );
}

function Matrix({
  labels,
  confusion,
  open,
  onOpen,
}: {
  labels: string[];
  confusion: number[][];
  open: Cell | null;
  onOpen: (cell: Cell | null) => void;
}) {
  const text = useReportText();
  const name = useClassName();
  const format = useFormat();
  return (
    <Scrolls label={text("confusion")}>
      <Table className={styles.matrix} withRowBorders={false}>
        <Table.Caption>{text("confusionCaption")}</Table.Caption>
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col" w="7.5rem">
              <Text span size="xs" c="dimmed">
                {text("truthByAnswer")}
              </Text>
            </Table.Th>
            {labels.map((label) => (
              <Table.Th key={label} scope="col" ta="center" fz="xs">
                {name(label)}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {labels.map((truth, row) => {
            const cells = confusion[row] ?? [];
            const total = cells.reduce((sum, images) => sum + images, 0);
            return (
              <Table.Tr key={truth}>
                <Table.Th scope="row" fz="xs">
                  {name(truth)}
                </Table.Th>
                {labels.map((answer, column) => {
                  const images = cells[column] ?? 0;
                  if (images === 0) {
                    return (
                      <Table.Td key={answer} className={styles.none} aria-label={text("noImages")}>
                        ·
                      </Table.Td>
                    );
                  }
                  const isOpen = open?.truth === truth && open.answer === answer;
                  const said = truth === answer ? "cellRight" : "cellWrong";
                  return (
                    <Table.Td key={answer}>
                      <UnstyledButton
                        className={`${styles.cell} ${truth === answer ? styles.right : styles.wrong} figures`}
                        style={{ "--share": `${Math.round(12 + (38 * images) / total)}%` }}
                        aria-expanded={isOpen}
                        aria-label={text(said, {
                          truth: name(truth),
                          answer: name(answer),
                          images: format.number(images),
                        })}
                        onClick={() => onOpen(isOpen ? null : { truth, answer, images })}
                      >
                        {format.number(images)}
                      </UnstyledButton>
                    </Table.Td>
                  );
                })}
              </Table.Tr>
            );
          })}
        </Table.Tbody>
      </Table>
    </Scrolls>
  );
}
