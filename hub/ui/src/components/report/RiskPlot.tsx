// What a model is worth if it may say that it is not sure.

import { Text } from "@mantine/core";
import { useMemo } from "react";
import type { Schemas } from "../../api/client";
import { useFormat } from "../../i18n/format";
import { Card } from "../Card";
import { LineChart } from "../LineChart";
import { riskByCoverage } from "./curves";
import { useReportText } from "./text";

export function RiskPlot({ risk }: { risk: Schemas["RiskCoverage"] }) {
  const text = useReportText();
  const format = useFormat();
  const drawn = useMemo(() => riskByCoverage(risk), [risk]);
  const lines = useMemo(
    () => [
      { label: text("risk"), values: drawn.risk, colour: "red" },
      { label: text("atThresholds"), values: drawn.atThresholds, colour: "blue", points: true },
    ],
    [drawn, text],
  );
  const at = risk.at_thresholds;
  return (
    <Card title={text("riskCoverage")} hint={text("riskCoverageHint")}>
      {at && (
        <Text size="sm">
          {text("riskAt", { coverage: format.percent(at.coverage), risk: format.finePercent(at.risk) })}
        </Text>
      )}
      <LineChart
        label={text("riskChart")}
        x={drawn.coverage}
        xLabel={text("coverage")}
        lines={lines}
        format="percent"
        height={260}
      />
    </Card>
  );
}
