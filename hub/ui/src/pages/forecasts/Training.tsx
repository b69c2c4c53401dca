// What the forecast learns from: a file to send, what is in it, and how it is to be read.

import { Accordion, Button, Group, NumberInput, Select, Stack, Text, TextInput, Title } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { at } from "../../api/base";
import { request } from "../../api/client";
import { limits } from "../../api/queries";
import { RetrainModel } from "../../components/RetrainModel";
import { Needs } from "../../components/states";
import { useLanguage } from "../../i18n";
import { useFormat } from "../../i18n/format";
import { products } from "./queries";
import { sampleCsv, saveFile } from "./sample";
import { useForecastText } from "./text";

const fileTypes = [".csv", ".tsv", ".txt", "text/csv"];
const training = (id: string) => at(`/api/v1/forecast/trainings/${encodeURIComponent(id)}`);

/** Countries whose holidays the hub knows, by their codes. */
const countries = ["AU", "CN", "DE", "FR", "GB", "ID", "IN", "JP", "MY", "NL", "PH", "SG", "TH", "US", "VN"];

export function Training({ onShow }: { onShow: () => void }) {
  const text = useForecastText();
  const language = useLanguage();
  const queries = useQueryClient();
  const [fields, setFields] = useState<Record<string, string>>({});
  const [done, setDone] = useState(false);
  const known = useQuery(products);
  const mostBytes = useQuery(limits).data?.quantities_bytes;
  return (
    <Needs role="admin">
      <Stack maw={860}>
        <section className="card">
          <Title order={2} size="h4">
            {text("send")}
          </Title>
          <Text size="sm" c="dimmed" mb="sm">
            {text("sendHint")}
          </Text>
          <RetrainModel
            endpoint={at("/retrain")}
            fileTypes={fileTypes}
            mostBytes={mostBytes}
            fields={fields}
            onFields={setFields}
            checkField="check"
            language={language}
            mayTrainStored={(known.data?.length ?? 0) > 0}
            statusEndpoint={training}
            cancelEndpoint={(id) => `${training(id)}/cancel`}
            send={request}
            onDone={() => {
              setDone(true);
              void queries.invalidateQueries({ queryKey: ["forecast"] });
            }}
          />
          <Group mt="sm" gap="xs">
            {done && <Button onClick={onShow}>{text("seeForecast")}</Button>}
            <Button
              variant="subtle"
              leftSection={<IconDownload size={16} />}
              onClick={() => saveFile("pilah-sample.csv", "text/csv", sampleCsv(Date.now() - 86_400_000))}
            >
              {text("sample")}
            </Button>
          </Group>
        </section>
        <Options fields={fields} onChange={setFields} />
        <Stored />
      </Stack>
    </Needs>
  );
}

/** How the file is to be read and the models be made, if not as usual. */
function Options({
  fields,
  onChange,
}: {
  fields: Record<string, string>;
  onChange: (fields: Record<string, string>) => void;
}) {
  const text = useForecastText();
  const countryNames = new Intl.DisplayNames([useLanguage()], { type: "region" });
  const set = (name: string, value: string | null) => {
    const { [name]: _, ...others } = fields;
    const next = value ? { ...others, [name]: value } : others;
    // Only growth up to a capacity has one.
    if (next.growth !== "logistic") {
      delete next.capacity;
      delete next.floor;
    }
    onChange(next);
  };
  const select = (name: string, label: string, description: string, data: { value: string; label: string }[]) => (
    <Select
      key={name}
      label={label}
      description={description}
      placeholder={text("detected")}
      clearable
      clearButtonProps={{ "aria-label": text("detected") }}
      data={data}
      value={fields[name] ?? null}
      onChange={(value) => set(name, value)}
    />
  );
  const number = (name: string, label: string, description: string) => (
    <NumberInput
      label={label}
      description={description}
      value={fields[name] ?? ""}
      onChange={(value) => set(name, String(value))}
    />
  );
  return (
    <Accordion variant="contained">
      <Accordion.Item value="options">
        <Accordion.Control>{text("options")}</Accordion.Control>
        <Accordion.Panel>
          <div className="tiles" style={{ "--tile": "14rem" } as React.CSSProperties}>
            {select("dates", text("dates"), text("datesHint"), [
              { value: "DD/MM/YYYY", label: text("dayFirst") },
              { value: "MM/DD/YYYY", label: text("monthFirst") },
              { value: "YYYY-MM-DD", label: text("yearFirst") },
              { value: "MM.YYYY", label: text("monthYear") },
              { value: "week", label: text("weekYear") },
              { value: "excel", label: text("excelDays") },
            ])}
            {select("decimal", text("decimal"), text("decimalHint"), [
              { value: "point", label: text("point") },
              { value: "comma", label: text("comma") },
            ])}
            {select("delimiter", text("delimiter"), text("delimiterHint"), [
              { value: "semicolon", label: text("semicolon") },
              { value: "comma", label: text("commaMark") },
              { value: "tab", label: text("tab") },
              { value: "bar", label: text("bar") },
            ])}
            {select("step", text("step"), text("stepHint"), [
              { value: "hour", label: text("hour") },
              { value: "day", label: text("day") },
              { value: "week", label: text("week") },
              { value: "month", label: text("month") },
              { value: "quarter", label: text("quarter") },
              { value: "year", label: text("year") },
            ])}
            <TextInput
              label={text("columns")}
              description={text("columnsHint")}
              value={fields.columns ?? ""}
              onChange={(event) => set("columns", event.currentTarget.value)}
            />
            <TextInput
              label={text("oneProduct")}
              description={text("oneProductHint")}
              value={fields.product ?? ""}
              onChange={(event) => set("product", event.currentTarget.value)}
            />
            {select(
              "country",
              text("holidays"),
              text("holidaysHint"),
              countries
                .map((value) => ({ value, label: countryNames.of(value) ?? value }))
                .sort((a, b) => a.label.localeCompare(b.label)),
            )}
            {select("weights", text("weights"), text("weightsHint"), [
              { value: "fixed", label: text("fixed") },
              { value: "validated", label: text("validated") },
            ])}
            {select("growth", text("growth"), text("growthHint"), [
              { value: "linear", label: text("linear") },
              { value: "flat", label: text("flat") },
              { value: "logistic", label: text("logistic") },
            ])}
            {fields.growth === "logistic" && (
              <>
                {number("capacity", text("capacity"), text("capacityHint"))}
                {number("floor", text("floor"), text("floorHint"))}
              </>
            )}
            {select("seasonality", text("seasonality"), text("seasonalityHint"), [
              { value: "additive", label: text("additive") },
              { value: "multiplicative", label: text("multiplicative") },
            ])}
            {number("epochs", text("epochs"), text("epochsHint"))}
          </div>
        </Accordion.Panel>
      </Accordion.Item>
    </Accordion>
  );
}

/** What there is already. */
function Stored() {
  const text = useForecastText();
  const format = useFormat();
  const { data } = useQuery(products);
  if (!data || data.length === 0) return null;
  const rows = data.reduce((sum, product) => sum + product.rows, 0);
  return (
    <Text size="sm" c="dimmed">
      {text("stored", { products: format.number(data.length), rows: format.number(rows) })}
    </Text>
  );
}
