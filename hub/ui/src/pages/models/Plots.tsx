// The plots as pictures, for reports and slides.

import { Anchor, Group, Text } from "@mantine/core";
import { at } from "../../api/base";
import { Card } from "../../components/Card";
import { useModelsText } from "./text";

const plots = [
  { file: "confusion", text: "plotConfusion", of: "evaluation" },
  { file: "reliability", text: "plotReliability", of: "evaluation" },
  { file: "risk-coverage", text: "plotRisk", of: "evaluation" },
  { file: "training", text: "plotTraining", of: "training" },
] as const;

export function Plots({ version, evaluated, trained }: { version: string; evaluated: boolean; trained: boolean }) {
  const text = useModelsText();
  const address = (file: string) => at(`/api/v1/models/${encodeURIComponent(version)}/plots/${file}`);
  return (
    <Card title={text("plots")} hint={text("plotsHint")}>
      <Group gap="lg">
        {plots
          .filter((plot) => (plot.of === "training" ? trained : evaluated))
          .map((plot) => (
            <div key={plot.file}>
              <Text size="sm">{text(plot.text)}</Text>
              <Group gap="xs">
                {["svg", "png"].map((format) => (
                  <Anchor
                    key={format}
                    href={address(`${plot.file}.${format}`)}
                    download={`${version}-${plot.file}.${format}`}
                    fz="sm"
                    aria-label={text("plotAs", { plot: text(plot.text), format: format.toUpperCase() })}
                  >
                    {format.toUpperCase()}
                  </Anchor>
                ))}
              </Group>
            </div>
          ))}
      </Group>
    </Card>
  );
}
