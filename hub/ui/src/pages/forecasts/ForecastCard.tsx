// The chart of a forecast, with a choice of models, and its downloads.

import { Anchor, Chip, Group, Switch, Text, Title } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { at } from "../../api/base";
import { LineChart } from "../../components/LineChart";
import { useFormat } from "../../i18n/format";
import { chartOf, modelColour, modelsOf } from "./chart";
import type { Forecast } from "./queries";
import { modelName, useForecastText } from "./text";

export function ForecastCard({ forecast, refreshing }: { forecast: Forecast; refreshing: boolean }) {
  const text = useForecastText();
  const format = useFormat();
  const models = modelsOf(forecast);
  const [chosen, setChosen] = useState<string[]>(["ensemble"]);
  const [whole, setWhole] = useState(false);
  const level = format.percent(forecast.level);
  const chart = useMemo(
    () =>
      chartOf(forecast, chosen, whole, {
        history: text("history"),
        upper: text("upper", { level }),
        lower: text("lower", { level }),
        model: (model) => modelName(text, model),
      }),
    [forecast, chosen, whole, level, text],
  );
  const total = forecast.forecast.ensemble?.mean.reduce((sum, value) => sum + value, 0) ?? 0;
  const title = forecast.title === "All products" ? text("allProducts") : forecast.title;
  const summary = text("summary", {
    total: format.number(total),
    steps: format.number(forecast.dates.length),
    step: text(stepKey(forecast.step)),
  });
  return (
    <section className="card" aria-busy={refreshing}>
      <Group justify="space-between" align="flex-start" mb="xs">
        <div>
          <Title order={2} size="h4">
            {title}
          </Title>
          <Text size="sm" c="dimmed">
            {summary}
          </Text>
        </div>
        <Group gap="md">
          <Download href={forecast.files.png} name="forecast.png" label={text("png")} />
          <Download href={forecast.files.csv} name="forecast.csv" label={text("csv")} />
        </Group>
      </Group>
      <Group gap="xs" mb="xs" role="group" aria-label={text("models")}>
        <Chip.Group multiple value={chosen} onChange={setChosen}>
          {models.map((model) => (
            <Chip key={model} value={model} size="sm" variant="light" color={modelColour(model)}>
              {modelName(text, model)}
            </Chip>
          ))}
        </Chip.Group>
        <Switch
          size="sm"
          label={text("wholeHistory")}
          checked={whole}
          onChange={(event) => setWhole(event.currentTarget.checked)}
        />
      </Group>
      <LineChart label={`${title}: ${summary}`} time height={340} format="decimal" {...chart} />
    </section>
  );
}

/** The key of a step's name. */
export function stepKey(step: string): "stepDay" | "stepWeek" | "stepMonth" | "stepOther" {
  if (step === "day") return "stepDay";
  if (step === "week") return "stepWeek";
  return step === "month" ? "stepMonth" : "stepOther";
}

function Download({ href, name, label }: { href: string; name: string; label: string }) {
  return (
    <Anchor href={at(href)} download={name} size="sm">
      <Group gap={4} wrap="nowrap">
        <IconDownload size={16} aria-hidden />
        {label}
      </Group>
    </Anchor>
  );
}
