// Lines over a number or over time, with bands: uPlot in the colours of the theme, as wide as its place.

import "uplot/dist/uPlot.min.css";
import { Box, useComputedColorScheme } from "@mantine/core";
import { useElementSize } from "@mantine/hooks";
import { useEffect, useRef } from "react";
import uPlot from "uplot";
import { useLanguage } from "../i18n";
import { formats } from "../i18n/format";

/** One line. */
export interface Line {
  /** What the legend calls it. */
  label: string;
  /** One value per x; `null` is a gap. */
  values: (number | null)[];
  /** A colour by Mantine's names. */
  colour: string;
  /** Drawn as points alone. */
  points?: boolean;
  /** Drawn with a dot at each value, so that a lone one is seen. */
  dots?: boolean;
  dashed?: boolean;
  /** Neither drawn nor in the legend: the border of a band. */
  border?: boolean;
}

/** The ground between two lines, such as an interval, by their places in `lines`. */
export interface Band {
  upper: number;
  lower: number;
  colour: string;
}

/** How values are written. */
export type ValueFormat = "number" | "decimal" | "percent";

export interface LineChartProps {
  /** What it shows, for those who cannot see it. */
  label: string;
  /** Milliseconds since 1970 if `time`, or plain numbers; ascending. */
  x: number[];
  time?: boolean;
  lines: Line[];
  bands?: Band[];
  format?: ValueFormat;
  height?: number;
  /** The least range of the vertical axis. */
  range?: [number, number];
  /** What the horizontal axis counts. */
  xLabel?: string;
}

/** Draws 10,000 points and more without a delay. */
export function LineChart({
  label,
  x,
  time = false,
  lines,
  bands,
  format = "decimal",
  height = 240,
  range,
  xLabel,
}: LineChartProps) {
  const { ref: place, width } = useElementSize();
  const host = useRef<HTMLDivElement>(null);
  const scheme = useComputedColorScheme("light");
  const language = useLanguage();

  // biome-ignore lint/correctness/useExhaustiveDependencies: the scheme changes the colours that the style sheet resolves
  useEffect(() => {
    if (!host.current || width === 0) return;
    const chart = new uPlot(
      options({ x, time, lines, bands, format, height, range, xLabel, width, language }),
      [time ? x.map((ms) => ms / 1000) : x, ...lines.map((line) => line.values)],
      host.current,
    );
    return () => chart.destroy();
  }, [x, time, lines, bands, format, height, range, xLabel, width, language, scheme]);

  return (
    <Box ref={place} role="img" aria-label={label} mih={height} style={{ overflow: "hidden" }}>
      <div ref={host} />
    </Box>
  );
}

type Drawn = Omit<LineChartProps, "label"> & { width: number; language: "en" | "id" };

function options({
  time,
  lines,
  bands,
  format = "decimal",
  height = 240,
  range,
  xLabel,
  width,
  language,
}: Drawn): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const css = (name: string) => style.getPropertyValue(name).trim();
  const colour = (name: string, shade: number) => css(`--mantine-color-${name}-${shade}`) || name;
  const dark = document.documentElement.getAttribute("data-mantine-color-scheme") === "dark";
  const stroke = (name: string) => colour(name, dark ? 4 : 7);
  const write = formats(language);
  const value = write[format];
  const axis: uPlot.Axis = {
    stroke: css("--mantine-color-dimmed"),
    grid: { stroke: css("--pilah-line"), width: 1 },
    ticks: { stroke: css("--pilah-line"), width: 1 },
    font: `12px ${css("--mantine-font-family")}`,
  };
  return {
    width,
    height: height - 32,
    scales: {
      x: { time: time ?? false },
      y: {
        range: (_, least, most) => {
          const [low, high] = [
            Math.min(least ?? 0, range?.[0] ?? least ?? 0),
            Math.max(most ?? 1, range?.[1] ?? most ?? 1),
          ];
          const margin = (high - low || Math.abs(high) || 1) * 0.05;
          return [low === 0 || range ? low : low - margin, high + (range ? 0 : margin)];
        },
      },
    },
    axes: [
      time
        ? {
            ...axis,
            values: (_, ticks, _axis, _space, step) =>
              ticks.map((tick) => timeTick(tick * 1000, step, language === "id" ? "id-ID" : "en-GB")),
          }
        : { ...axis, ...(xLabel ? { label: xLabel, labelSize: 20, labelGap: 0, labelFont: axis.font } : {}) },
      { ...axis, size: 56, values: (_, ticks) => ticks.map((tick) => value(tick)) },
    ],
    legend: { live: true },
    cursor: { y: false },
    bands: bands?.map(({ upper, lower, colour: name }) => ({
      series: [upper + 1, lower + 1],
      fill: `${colour(name, dark ? 7 : 3)}55`,
    })),
    series: [
      {
        ...(xLabel ? { label: xLabel } : {}),
        value: (_, at) => (at === null ? "" : time ? write.time(at * 1000) : write.decimal(at)),
      },
      ...lines.map(
        (line): uPlot.Series => ({
          label: line.label,
          stroke: stroke(line.colour),
          width: line.points || line.border ? 0 : 2,
          class: line.border ? "unlisted" : undefined,
          dash: line.dashed ? [6, 4] : undefined,
          points: { show: (line.points || line.dots) ?? false, size: 6, fill: stroke(line.colour) },
          value: (_, at) => (at === null ? "" : value(at)),
        }),
      ),
    ],
  };
}

const DAY_S = 86_400;

/** A tick of the time axis: the hour within a day, the day within a year, else the month. */
function timeTick(ms: number, stepSeconds: number, locale: string): string {
  if (stepSeconds < DAY_S) return new Date(ms).toLocaleTimeString(locale, { hour: "2-digit", minute: "2-digit" });
  if (stepSeconds < 28 * DAY_S) return new Date(ms).toLocaleDateString(locale, { day: "numeric", month: "short" });
  return new Date(ms).toLocaleDateString(locale, { month: "short", year: "numeric" });
}
