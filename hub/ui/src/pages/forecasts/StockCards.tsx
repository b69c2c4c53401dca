// What to keep and to order.

import { Title } from "@mantine/core";
import { Stat } from "../../components/Stat";
import { useFormat } from "../../i18n/format";
import type { Forecast } from "./queries";
import { useForecastText } from "./text";

export function StockCards({ stock }: { stock: Forecast["stock"] }) {
  const text = useForecastText();
  const format = useFormat();
  const known = stock.stockout_risk !== null && stock.stockout_risk !== undefined;
  const order = stock.order_quantity ?? null;
  const days = stock.days_until_stockout ?? null;
  return (
    <section>
      <Title order={2} size="h4" mb="xs">
        {text("stock")}
      </Title>
      <div className="tiles" style={{ "--tile": "9.5rem" } as React.CSSProperties}>
        <Stat
          label={text("orderNow")}
          value={order === null ? "–" : format.number(order)}
          hint={order === null ? text("stockUnknown") : text(order > 0 ? "orderNowHint" : "enough")}
        />
        <Stat
          label={text("daysLeft")}
          value={days === null ? (known ? text("lasts") : "–") : format.number(days)}
          hint={known ? text("risk", { risk: format.percent(stock.stockout_risk ?? 0) }) : text("stockUnknown")}
        />
        <Stat label={text("reorderPoint")} value={format.number(stock.reorder_point)} hint={text("reorderPointHint")} />
        <Stat label={text("safetyStock")} value={format.number(stock.safety_stock)} hint={text("safetyStockHint")} />
        <Stat label={text("minimum")} value={format.number(stock.minimum)} hint={text("minimumHint")} />
        <Stat label={text("maximum")} value={format.number(stock.maximum)} hint={text("maximumHint")} />
      </div>
    </section>
  );
}
