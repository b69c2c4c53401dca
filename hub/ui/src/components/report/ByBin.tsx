// How good a model is at each bin.

import { Anchor, Box, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { Schemas } from "../../api/client";
import { Card } from "../Card";
import { IntervalBar } from "./IntervalBar";
import { useReportText } from "./text";

/** More bins than this are left out: those with the fewest images. */
const most = 20;

export function ByBin({ bins }: { bins: Schemas["BinFigures"][] }) {
  const text = useReportText();
  const shown = bins.toSorted((a, b) => b.images - a.images).slice(0, most);
  return (
    <Card title={text("byBin")} hint={text("byBinHint")}>
      <Box className="tiles" __vars={{ "--tile": "11rem" }}>
        {shown.map((bin) => (
          <div key={bin.bin ?? ""}>
            <Text component="div" size="sm">
              {bin.bin ? (
                <Anchor component={Link} to="/fleet/$bin" params={{ bin: bin.bin } as never} fz="sm" underline="always">
                  {bin.bin}
                </Anchor>
              ) : (
                text("noBin")
              )}
              <Text span size="xs" c="dimmed">
                {` · ${text("ofImages", { count: bin.images })}`}
              </Text>
            </Text>
            <IntervalBar share={bin.accuracy} interval={bin.interval} />
          </div>
        ))}
      </Box>
    </Card>
  );
}
