// What to forecast: of which product, how far, on what terms, and of which part of the data.

import { Accordion, Group, SegmentedControl, Select, TextInput } from "@mantine/core";
import { useClassName } from "../../i18n/classes";
import { NumberField } from "./NumberField";
import type { Product, Question } from "./queries";
import { useForecastText } from "./text";

/** Products that the list shows at once: whoever has more types a part of the name. */
const SHOWN = 200;

/** How far people mostly look, in days. */
const usualDays = [30, 90, 365];

export function QuestionForm({
  question,
  products,
  onChange,
}: {
  question: Question;
  products: readonly Product[];
  onChange: (question: Question) => void;
}) {
  const text = useForecastText();
  const set = (change: Partial<Question>) => onChange({ ...question, ...change });
  return (
    <div className="card">
      <Group align="flex-end" gap="md">
        <ProductPicker products={products} value={question.product_id} onChange={(product_id) => set({ product_id })} />
        <NumberField
          label={text("days")}
          value={question.days}
          min={1}
          max={730}
          allowDecimal={false}
          w={110}
          onChange={(days) => days !== null && set({ days })}
        />
        <SegmentedControl
          aria-label={text("usualDays")}
          value={String(question.days)}
          onChange={(days) => set({ days: Number(days) })}
          data={usualDays.map((days) => ({ value: String(days), label: text("inDays", { days }) }))}
        />
      </Group>
      <Accordion
        variant="default"
        mt="xs"
        styles={{ item: { borderBottom: 0 }, content: { padding: 0 }, control: { padding: 0 } }}
      >
        <Accordion.Item value="more">
          <Accordion.Control>{text("more")}</Accordion.Control>
          <Accordion.Panel>
            <Terms question={question} set={set} />
          </Accordion.Panel>
        </Accordion.Item>
      </Accordion>
    </div>
  );
}

function Terms({ question, set }: { question: Question; set: (change: Partial<Question>) => void }) {
  const text = useForecastText();
  const percent = (value: number | null) => (value === null ? null : Math.round(value * 1000) / 10);
  const share = (value: number | null) => (value === null ? null : value / 100);
  const word = (value: string) => value || null;
  return (
    <div className="tiles" style={{ "--tile": "11rem" } as React.CSSProperties}>
      <NumberField
        label={text("serviceLevel")}
        description={text("serviceLevelHint")}
        suffix=" %"
        min={50}
        max={99.9}
        value={percent(question.service_level)}
        onChange={(value) => set({ service_level: share(value) })}
      />
      <NumberField
        label={text("leadTime")}
        description={text("leadTimeHint")}
        min={0}
        max={365}
        value={question.lead_time_days}
        onChange={(lead_time_days) => set({ lead_time_days })}
      />
      <NumberField
        label={text("onHand")}
        description={text("onHandHint")}
        min={0}
        value={question.on_hand}
        onChange={(on_hand) => set({ on_hand })}
      />
      <NumberField
        label={text("interval")}
        description={text("intervalHint")}
        suffix=" %"
        min={50}
        max={99}
        value={percent(question.level)}
        onChange={(value) => set({ level: share(value) })}
      />
      <TextInput
        label={text("store")}
        description={text("exactName")}
        value={question.store ?? ""}
        onChange={(event) => set({ store: word(event.currentTarget.value) })}
      />
      <TextInput
        label={text("category")}
        description={text("exactName")}
        value={question.category ?? ""}
        onChange={(event) => set({ category: word(event.currentTarget.value) })}
      />
      <TextInput
        type="date"
        label={text("from")}
        description={text("fromHint")}
        max={question.to ?? undefined}
        value={question.from ?? ""}
        onChange={(event) => set({ from: word(event.currentTarget.value) })}
      />
      <TextInput
        type="date"
        label={text("to")}
        description={text("toHint")}
        min={question.from ?? undefined}
        value={question.to ?? ""}
        onChange={(event) => set({ to: word(event.currentTarget.value) })}
      />
      <Select
        label={text("growth")}
        description={text("growthHint")}
        placeholder={text("detected")}
        clearable
        clearButtonProps={{ "aria-label": text("detected") }}
        value={question.growth}
        onChange={(growth) => set({ growth: growth as Question["growth"] })}
        data={(["linear", "flat", "logistic"] as const).map((value) => ({ value, label: text(value) }))}
      />
      {question.growth === "logistic" && (
        <>
          <NumberField
            label={text("capacity")}
            description={text("capacityHint")}
            min={-1e12}
            value={question.capacity}
            onChange={(capacity) => set({ capacity })}
          />
          <NumberField
            label={text("floor")}
            description={text("floorHint")}
            min={-1e12}
            value={question.floor}
            onChange={(floor) => set({ floor })}
          />
        </>
      )}
      <Select
        label={text("seasonality")}
        description={text("seasonalityHint")}
        placeholder={text("detected")}
        clearable
        clearButtonProps={{ "aria-label": text("detected") }}
        value={question.seasonality}
        onChange={(seasonality) => set({ seasonality: seasonality as Question["seasonality"] })}
        data={(["additive", "multiplicative"] as const).map((value) => ({ value, label: text(value) }))}
      />
    </div>
  );
}

function ProductPicker({
  products,
  value,
  onChange,
}: {
  products: readonly Product[];
  value: string | null;
  onChange: (product: string | null) => void;
}) {
  const text = useForecastText();
  const className = useClassName();
  const name = ({ product_id, category }: Product) => {
    const slash = product_id.lastIndexOf("/");
    if (category === "fill" && slash > 0) return text("fillOf", { bin: product_id.slice(0, slash) });
    if (category !== "items" || slash < 0) return product_id;
    return `${product_id.slice(0, slash)} / ${className(product_id.slice(slash + 1))}`;
  };
  const ofBins = (product: Product) => product.category === "items" || product.category === "fill";
  const options = (wanted: (product: Product) => boolean) =>
    products.filter(wanted).map((product) => ({ value: product.product_id, label: name(product) }));
  const groups = [
    { group: text("products"), items: options((product) => !ofBins(product)) },
    { group: text("bins"), items: options(ofBins) },
  ];
  return (
    <Select
      label={text("product")}
      placeholder={text("allProducts")}
      data={groups.filter((group) => group.items.length > 0)}
      value={value}
      onChange={onChange}
      searchable
      clearable
      clearButtonProps={{ "aria-label": text("allProducts") }}
      limit={SHOWN}
      nothingFoundMessage={text("noSuchProduct")}
      style={{ flex: "1 1 16rem" }}
    />
  );
}
