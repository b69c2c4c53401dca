// Charts as SVG, drawn from data; no library. Colours come from the classes of page.css, so that they
// follow the theme, and every chart has its figures as text beside it.

const SVG = "http://www.w3.org/2000/svg";

/** An SVG element with attributes and children. */
export function svg(name, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** A bar from 0 to 1 in one or two parts. */
export function bar(first, second = 0, [firstClass, secondClass] = ["sure", "guess"]) {
  const part = (x, width, name) => svg("rect", { x: 100 * x, y: 0, width: Math.max(0, 100 * width), height: 10, class: name });
  return svg("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" },
    part(0, 1, "track"), part(0, first, firstClass), part(first, second, secondClass));
}

/** A coloured square for a legend. */
export function swatch(name) {
  return svg("svg", { viewBox: "0 0 10 10", class: "swatch", "aria-hidden": "true" }, svg("rect", { width: 10, height: 10, rx: 2, class: name }));
}

const time = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const percent = (share) => `${Math.round(100 * share)} %`;

/**
 * Accuracy of each model over time. `models`: [{model, right, items}] in the order of their first item;
 * `points`: [{at_ms, model, right, items}] in the order of time. `width` is in pixels of the page.
 */
export function accuracyOverTime(models, points, width) {
  const height = 240, left = 40, right = 52, top = 14, bottom = 26;
  const first = points[0].at_ms, last = Math.max(points.at(-1).at_ms, first + 1000);
  const x = (at) => left + (width - left - right) * (at - first) / (last - first);
  const y = (share) => top + (height - top - bottom) * (1 - share);
  const said = models.map((m) => `${m.model}: ${percent(m.right / m.items)} of ${m.items}`).join("; ");
  const chart = svg("svg", { viewBox: `0 0 ${width} ${height}`, class: "chart", role: "img", "aria-label": `Field accuracy over time. ${said}` });
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    chart.append(svg("line", { x1: left, x2: width - right, y1: y(share), y2: y(share), class: "axis" }),
      svg("text", { x: left - 6, y: y(share) + 4, "text-anchor": "end" }, percent(share)));
  }
  chart.append(svg("text", { x: left, y: height - 6 }, time.format(first)),
    svg("text", { x: width - right, y: height - 6, "text-anchor": "end" }, time.format(last)));
  const means = [];
  models.forEach((model, index) => {
    const series = seriesClass(index);
    const own = points.filter((point) => point.model === model.model);
    if (own.length === 0) return;
    const most = Math.max(...own.map((point) => point.items));
    for (const point of own) {
      const share = point.right / point.items;
      chart.append(svg("circle", { cx: x(point.at_ms), cy: y(share), r: 2.5 + 3 * Math.sqrt(point.items / most), class: `slice ${series}` },
        svg("title", {}, `${model.model}, ${time.format(point.at_ms)}: ${point.right} of ${point.items} right`)));
    }
    const mean = model.right / model.items;
    const from = x(own[0].at_ms), to = Math.max(x(own.at(-1).at_ms), from + 3);
    chart.append(svg("line", { x1: from, x2: to, y1: y(mean), y2: y(mean), class: `mean ${series}` }));
    means.push({ at: to, share: mean, series });
  });
  // Values last, so that nothing covers them, and moved apart where they would overlap.
  let lowest = height;
  for (const mean of means.sort((a, b) => a.share - b.share)) {
    const near = means.some((other) => other !== mean && Math.abs(other.at - mean.at) < 40);
    lowest = near ? Math.min(y(mean.share) + 4, lowest - 13) : y(mean.share) + 4;
    const inside = mean.at < width - right - 2;
    const place = inside ? { x: mean.at + 6, y: y(mean.share) - 8 } : { x: mean.at + 6, y: lowest };
    chart.append(svg("text", { ...place, class: `value ${mean.series}` }, percent(mean.share)));
  }
  return chart;
}

/** Loss and accuracy by epoch. `history`: [{epoch, train_loss, validation_loss, validation_accuracy}]; `width` as above. */
export function trainingCurve(history, width) {
  const height = 190, left = 40, right = 40, top = 12, bottom = 26;
  const epochs = Math.max(history.at(-1).epoch, 2);
  const highest = Math.max(...history.map((e) => Math.max(e.train_loss, e.validation_loss)), 1e-6);
  const x = (epoch) => left + (width - left - right) * (epoch - 1) / (epochs - 1);
  const y = (share) => top + (height - top - bottom) * (1 - share);
  const end = history.at(-1);
  const said = `After epoch ${end.epoch}: validation accuracy ${percent(end.validation_accuracy)}, training loss ${end.train_loss.toFixed(3)}, validation loss ${end.validation_loss.toFixed(3)}`;
  const chart = svg("svg", { viewBox: `0 0 ${width} ${height}`, class: "chart", role: "img", "aria-label": said });
  for (const share of [0, 0.5, 1]) {
    chart.append(svg("line", { x1: left, x2: width - right, y1: y(share), y2: y(share), class: "axis" }),
      svg("text", { x: left - 6, y: y(share) + 4, "text-anchor": "end" }, percent(share)),
      svg("text", { x: width - right + 6, y: y(share) + 4 }, (share * highest).toFixed(2)));
  }
  chart.append(svg("text", { x: left, y: height - 6 }, "epoch 1"),
    svg("text", { x: width - right, y: height - 6, "text-anchor": "end" }, `epoch ${epochs}`));
  const line = (value, name) => {
    const path = history.map((e, i) => `${i ? "L" : "M"}${x(e.epoch).toFixed(1)} ${y(value(e)).toFixed(1)}`).join("");
    chart.append(svg("path", { d: path, class: `series ${name}` }));
  };
  line((e) => e.train_loss / highest, "s6 dotted");
  line((e) => e.validation_loss / highest, "s4");
  line((e) => e.validation_accuracy, "s2");
  return chart;
}

/** The colour of a series by its place. */
export function seriesClass(index) {
  return `s${index % 6 + 1}`;
}
