// A small file to try with, and files that the page makes itself.

/** Days of the sample. */
const DAYS = 180;

/**
 * Two products over half a year, each with a week and a slow trend, as a file that the hub reads.
 *
 * @param last the last day, in milliseconds since 1970
 */
export function sampleCsv(last: number): string {
  const lines = ["date,product_id,quantity,on_hand,lead_time_days"];
  for (let day = DAYS - 1; day >= 0; day--) {
    const date = new Date(last - day * 86_400_000);
    const weekend = date.getUTCDay() === 0 || date.getUTCDay() === 6;
    const age = DAYS - day;
    for (const [product, base, growth] of [
      ["bin-liners", 40, 0.05],
      ["gloves", 12, -0.01],
    ] as const) {
      const wave = Math.round(3 * Math.sin(age / 5 + base));
      const quantity = Math.round(base * (weekend ? 1.4 : 1) + growth * age + wave);
      lines.push(`${date.toISOString().slice(0, 10)},${product},${quantity},${base * 9},5`);
    }
  }
  return `${lines.join("\r\n")}\r\n`;
}

/** Gives a text to the person as a file. */
export function saveFile(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = Object.assign(document.createElement("a"), { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  URL.revokeObjectURL(url);
}
