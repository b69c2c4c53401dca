// How far each model was from the truth on the past, beside the naive forecast.

import { Progress, Table, Text, Title } from "@mantine/core";
import { Heads } from "../../components/Heads";
import { Scrolls } from "../../components/Scrolls";
import { useFormat } from "../../i18n/format";
import { modelColour } from "./chart";
import type { Forecast } from "./queries";
import { modelName, useForecastText } from "./text";

export function Backtest({ forecast }: { forecast: Forecast }) {
  const text = useForecastText();
  const format = useFormat();
  const rows = Object.entries(forecast.backtest).sort(([, a], [, b]) => a.rmsse - b.rmsse);
  if (rows.length === 0) return null;
  const naive = forecast.backtest.naive?.rmsse ?? 0;
  const most = Math.max(...rows.map(([, accuracy]) => accuracy.rmsse), Number.EPSILON);
  const compared = (rmsse: number) => {
    if (naive <= 0) return "–";
    const gain = 1 - rmsse / naive;
    if (Math.abs(gain) < 0.005) return text("same");
    return gain > 0 ? text("better", { gain: format.percent(gain) }) : text("worse", { loss: format.percent(-gain) });
  };
  return (
    <section className="card">
      <Title order={2} size="h4">
        {text("backtest")}
      </Title>
      <Text size="sm" c="dimmed" mb="xs">
        {text("backtestHint", { values: format.number(rows[0]?.[1].values ?? 0) })}
      </Text>
      <Scrolls label={text("backtest")}>
        <Table miw={560} verticalSpacing={6}>
          <Heads
            names={[
              text("model"),
              text("rmsse"),
              text("againstNaive"),
              text("mae"),
              text("coverage", { level: format.percent(forecast.level) }),
              text("weight"),
            ]}
          />
          <Table.Tbody>
            {rows.map(([model, accuracy]) => (
              <Table.Tr key={model}>
                <Table.Th scope="row" fw={model === "ensemble" ? 700 : 400}>
                  {modelName(text, model)}
                </Table.Th>
                <Table.Td miw={130}>
                  <span className="figures">{format.decimal(accuracy.rmsse)}</span>
                  <Progress value={(accuracy.rmsse / most) * 100} color={modelColour(model)} size="sm" aria-hidden />
                </Table.Td>
                <Table.Td>{model === "naive" ? text("toBeat") : compared(accuracy.rmsse)}</Table.Td>
                <Table.Td className="figures">{format.decimal(accuracy.mae)}</Table.Td>
                <Table.Td className="figures">
                  {typeof accuracy.coverage === "number" ? format.percent(accuracy.coverage) : "–"}
                </Table.Td>
                <Table.Td className="figures">
                  {model === "ensemble" ? "–" : format.percent(forecast.weights[model] ?? 0)}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Scrolls>
    </section>
  );
}
