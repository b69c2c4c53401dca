// Whether a confidence of 90 % is right 90 times of 100.

import { Text } from "@mantine/core";
import { useMemo } from "react";
import type { Schemas } from "../../api/client";
import { useFormat } from "../../i18n/format";
import { Card } from "../Card";
import { LineChart } from "../LineChart";
import { reliability } from "./curves";
import { useReportText } from "./text";

const range: [number, number] = [0, 1];

export function CalibrationPlot({ calibration }: { calibration: Schemas["Calibration"] }) {
  const text = useReportText();
  const format = useFormat();
  const drawn = useMemo(() => reliability(calibration.bins), [calibration]);
  const chart = useMemo(
    () => ({
      lines: [
        { label: text("ideal"), values: drawn.ideal, colour: "gray", dashed: true },
        { label: text("upper"), values: drawn.upper, colour: "leaf", border: true },
        { label: text("lower"), values: drawn.lower, colour: "leaf", border: true },
        { label: text("measuredRight"), values: drawn.accuracy, colour: "leaf", dots: true },
      ],
      bands: [{ upper: 1, lower: 2, colour: "leaf" }],
    }),
    [drawn, text],
  );
  return (
    <Card title={text("calibration")} hint={text("calibrationHint")}>
      <Text size="sm">
        {text("calibrationError", {
          error: format.finePercent(calibration.error),
          chance: format.finePercent(calibration.by_chance),
        })}
      </Text>
      <LineChart
        label={text("calibrationChart")}
        x={drawn.confidence}
        xLabel={text("confidence")}
        lines={chart.lines}
        bands={chart.bands}
        format="percent"
        range={range}
        height={260}
      />
    </Card>
  );
}
