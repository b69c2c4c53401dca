// All figures of a model: on the test split, and on fresh samples from the field.

import { Alert, List, SegmentedControl, SimpleGrid, Stack, Text } from "@mantine/core";
import { useState } from "react";
import type { Schemas } from "../../api/client";
import { useFormat } from "../../i18n/format";
import { HubWords } from "../HubWords";
import { Stat } from "../Stat";
import { ByBin } from "./ByBin";
import { CalibrationPlot } from "./CalibrationPlot";
import { Confusion } from "./Confusion";
import { IntervalBar } from "./IntervalBar";
import { Offenders } from "./Offenders";
import { PerClass } from "./PerClass";
import { RiskPlot } from "./RiskPlot";
import { useReportText } from "./text";

type On = "test" | "field";

export function ReportView({ report }: { report: Schemas["EvaluationReport"] }) {
  const text = useReportText();
  const format = useFormat();
  const sets = (["test", "field"] as const).filter((on) => (report[on]?.images ?? 0) > 0);
  const [chosen, setChosen] = useState<On>("test");
  const on = sets.includes(chosen) ? chosen : sets[0];
  const set = on && report[on];
  return (
    <Stack>
      {sets.length > 1 && (
        <SegmentedControl
          aria-label={text("measuredOn")}
          value={on}
          onChange={(value) => setChosen(value as On)}
          data={sets.map((each) => ({
            value: each,
            label: text(each === "test" ? "onTest" : "onField", { images: format.number(report[each]?.images ?? 0) }),
          }))}
          style={{ alignSelf: "flex-start" }}
        />
      )}
      {report.notes.length > 0 && (
        <Alert color="yellow" py="xs">
          <List size="sm">
            {report.notes.map((note) => (
              <List.Item key={note}>
                <HubWords size="sm">{note}</HubWords>
              </List.Item>
            ))}
          </List>
        </Alert>
      )}
      {set && on ? <SetView report={report} set={set} on={on} /> : <Text>{text("noSet")}</Text>}
      <Text size="xs" c="dimmed">
        {text("asOf", { at: format.time(report.at_ms) })}
      </Text>
    </Stack>
  );
}

function SetView({ report, set, on }: { report: Schemas["EvaluationReport"]; set: Schemas["SetReport"]; on: On }) {
  const text = useReportText();
  const format = useFormat();
  return (
    <>
      <SimpleGrid cols={{ base: 1, xs: 2, lg: 4 }}>
        <Stat
          label={text("accuracy")}
          value={<IntervalBar share={set.accuracy} interval={set.interval} />}
          hint={text("right", { correct: format.number(set.correct), images: format.number(set.images) })}
        />
        <Stat
          label={text("macroF1")}
          value={<IntervalBar share={set.macro_f1} interval={set.macro_f1_interval} />}
          hint={text("macroF1Hint")}
        />
        <Stat
          label={text("speed")}
          value={format.duration(report.speed.median_ms)}
          hint={text("speedHint", { p95: format.duration(report.speed.p95_ms) })}
        />
        <Stat
          label={text("size")}
          value={format.bytes(report.speed.merged_bytes)}
          hint={text("sizeHint", { head: format.bytes(report.speed.head_bytes) })}
        />
      </SimpleGrid>
      <SimpleGrid cols={{ base: 1, xl: 2 }}>
        <Confusion model={report.model} labels={report.labels} set={set} on={on} />
        <PerClass classes={set.per_class} />
      </SimpleGrid>
      <Offenders offenders={set.worst} />
      <SimpleGrid cols={{ base: 1, lg: 2 }}>
        <CalibrationPlot calibration={set.calibration} />
        <RiskPlot risk={set.risk_coverage} />
      </SimpleGrid>
      {set.bins.length > 1 && <ByBin bins={set.bins} />}
    </>
  );
}
