import { expect, it } from "vitest";
import { stating, statingAll } from "./columns";

it.each([
  ["", "Artikel", "product_id", "Artikel=product_id"],
  ["Artikel=product_id", "Beleg", "ignore", "Artikel=product_id,Beleg=ignore"],
  ["Artikel=product_id", "Artikel", "store", "Artikel=store"],
  ["Artikel=product_id,a=ignore", "Sorte", "product_id", "a=ignore,Sorte=product_id"],
  ["a=ignore", "b", "ignore", "a=ignore,b=ignore"],
  ["Menge, netto=quantity", "b", "store", "Menge, netto=quantity,b=store"],
])("states after %s that %s is %s", (stated, column, field, expected) => {
  expect(stating(stated, column, field)).toBe(expected);
});

it("takes a whole answer of the server", () => {
  expect(statingAll("product=product_id,x=ignore", "product=ignore,size=product")).toBe(
    "product=ignore,x=ignore,size=product_id",
  );
});
