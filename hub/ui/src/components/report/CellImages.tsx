// The images behind a cell of the confusion matrix.

import { Box, Button, Text } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, unwrap } from "../../api/client";
import { useClassName } from "../../i18n/classes";
import { useFormat } from "../../i18n/format";
import { Gallery } from "../sample/Gallery";
import { Loaded } from "../states";
import { offenderShown } from "./offender";
import { useReportText } from "./text";

/** A cell: what an image truly is, and what the model says. */
export interface Cell {
  truth: string;
  answer: string;
  images: number;
}

/** As many are shown at first, and as many as the hub gives at once. */
const few = 24;
const most = 500;

export function CellImages({ model, cell, on }: { model: string; cell: Cell; on: "test" | "field" }) {
  const text = useReportText();
  const name = useClassName();
  const format = useFormat();
  const [limit, setLimit] = useState(few);
  const { truth, answer } = cell;
  const found = useQuery({
    queryKey: ["models", model, "cell", on, truth, answer, limit],
    queryFn: () => {
      const params = { path: { version: model }, query: { truth, answer, set: on, limit } };
      return unwrap(api.GET("/api/v1/models/{version}/confusion", { params }));
    },
    placeholderData: limit > few ? keepPreviousData : undefined,
  });
  return (
    <Box mt="sm" role="region" aria-label={text("cellImages")}>
      <Text size="sm" mb="xs" fw={600}>
        {text(truth === answer ? "cellRight" : "cellWrong", {
          truth: name(truth),
          answer: name(answer),
          images: format.number(cell.images),
        })}
      </Text>
      <Loaded query={found} lines={2}>
        {({ images, total }) => (
          <>
            {total !== cell.images && (
              <Text size="sm" c="dimmed" mb="xs">
                {text("relabelledSince", { total: format.number(total) })}
              </Text>
            )}
            <Gallery items={images.map(offenderShown)} tile="7rem" />
            {images.length < total && limit < most && (
              <Button mt="sm" size="sm" variant="default" onClick={() => setLimit(most)} loading={found.isFetching}>
                {text("showAll", { count: total })}
              </Button>
            )}
          </>
        )}
      </Loaded>
    </Box>
  );
}
