// The images behind a cell of the confusion matrix.

import { Anchor, Box, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { Schemas } from "../../api/client";
import { useClassName } from "../../i18n/classes";
import { useFormat } from "../../i18n/format";
import { Gallery } from "../sample/Gallery";
import type { Cell } from "./Confusion";
import { offenderShown } from "./Offenders";
import { useReportText } from "./text";

export function CellImages({
  cell,
  set,
}: {
  model: string;
  cell: Cell;
  on: "test" | "field";
  set: Schemas["SetReport"];
}) {
  const text = useReportText();
  const name = useClassName();
  const format = useFormat();
  const found = set.worst.filter((each) => each.truth === cell.truth && each.answer === cell.answer);
  const right = cell.truth === cell.answer;
  return (
    <Box mt="sm" role="region" aria-label={text("cellImages")}>
      <Text size="sm" mb="xs" fw={600}>
        {text(right ? "cellRight" : "cellWrong", {
          truth: name(cell.truth),
          answer: name(cell.answer),
          images: format.number(cell.images),
        })}
      </Text>
      {right ? (
        <Anchor
          component={Link}
          to="/dataset"
          search={{ part: "find", label: cell.truth, split: "test" } as never}
          fz="sm"
        >
          {text("seeLabelled", { truth: name(cell.truth) })}
        </Anchor>
      ) : (
        <>
          <Gallery items={found.map(offenderShown)} tile="7rem" />
          {found.length < cell.images && (
            <Text size="xs" c="dimmed" mt="xs">
              {text("surestOnly", { shown: format.number(found.length), images: format.number(cell.images) })}
            </Text>
          )}
        </>
      )}
    </Box>
  );
}
