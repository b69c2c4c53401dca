// What a person states of the columns of a file, as the field `columns` of the form: `Artikel=product_id,Beleg=ignore`.

/** What a column can be, and the key of its text. */
export const columnFields = {
  date: "fieldDate",
  product_id: "fieldProduct",
  quantity: "fieldQuantity",
  store: "fieldStore",
  category: "fieldCategory",
  price: "fieldPrice",
  on_hand: "fieldOnHand",
  lead_time_days: "fieldLeadTime",
  unit_cost: "fieldUnitCost",
  ignore: "notUsed",
} as const;

/** What is stated, by column; a comma that is no end of a statement belongs to the name of a column. */
function statements(stated: string): Map<string, string> {
  const found = new Map<string, string>();
  let pending = "";
  for (const part of stated.split(",")) {
    pending = pending ? `${pending},${part}` : part;
    const at = pending.lastIndexOf("=");
    if (at < 0) continue;
    const is = pending.slice(at + 1);
    found.set(pending.slice(0, at), is === "product" ? "product_id" : is);
    pending = "";
  }
  return found;
}

/** States after what is stated already what some more columns are. */
export function statingAll(stated: string, more: string): string {
  return [...statements(more)].reduce((all, [column, field]) => stating(all, column, field), stated);
}

/** States what one more column is; of all that are stated, one alone can be a date, a product, or the like. */
export function stating(stated: string, column: string, field: string): string {
  const found = statements(stated);
  for (const [other, is] of found) if (is === field && field !== "ignore") found.delete(other);
  found.set(column, field);
  return [...found].map(([name, is]) => `${name}=${is}`).join(",");
}
