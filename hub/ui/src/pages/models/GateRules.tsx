// What the gate asks of a new version, in words.

import { Code, List, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { api, unwrap } from "../../api/client";
import { Card } from "../../components/Card";
import { Loaded } from "../../components/states";
import { useFormat } from "../../i18n/format";
import { useModelsText } from "./text";

export function GateRules() {
  const text = useModelsText();
  const format = useFormat();
  const found = useQuery({ queryKey: ["gate"], queryFn: () => unwrap(api.GET("/api/v1/gate")) });
  return (
    <Card title={text("gate")} hint={text("gateHint")}>
      <Loaded query={found}>
        {(rules) => (
          <>
            <List size="sm" spacing="xs">
              <List.Item>{text("gateGolden")}</List.Item>
              <List.Item>{text("gateClasses")}</List.Item>
              <List.Item>
                {rules.require_better
                  ? text("gateBetter")
                  : text("gateNotBehind", { margin: format.finePercent(rules.margin) })}
              </List.Item>
              <List.Item>{text("gateSignificance", { significance: format.percent(rules.significance) })}</List.Item>
              <List.Item>{text("gateBaseline")}</List.Item>
              <List.Item>{text("gateCalibration", { error: format.percent(rules.calibration_error) })}</List.Item>
              <List.Item>{text("gateLatency", { ms: format.number(rules.latency_ms) })}</List.Item>
              <List.Item>{text("gateSize", { megabytes: format.number(rules.megabytes) })}</List.Item>
            </List>
            <Text size="xs" c="dimmed" mt="sm">
              {text("gateFile")} <Code>gate.toml</Code>
            </Text>
          </>
        )}
      </Loaded>
    </Card>
  );
}
