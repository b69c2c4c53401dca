// A short tour through the pages, step by step.

import { Button, Group, Modal, Stack, Stepper, Text } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useShellText } from "./text";
import { endTour } from "./tourState";

/** The pages that it shows, in the order of the work. */
const stops = [
  { name: "home", path: "/" },
  { name: "review", path: "/review" },
  { name: "train", path: "/train" },
  { name: "models", path: "/models" },
  { name: "fleet", path: "/fleet" },
  { name: "forecasts", path: "/forecasts" },
] as const;

const hints = {
  home: "tourHome",
  review: "tourReview",
  train: "tourTrain",
  models: "tourModels",
  fleet: "tourFleet",
  forecasts: "tourForecasts",
} as const;

export function Tour() {
  const text = useShellText();
  const navigate = useNavigate();
  const [step, setStep] = useState(0);
  const stop = stops[step] ?? stops[0];
  const last = step === stops.length - 1;

  const end = () => {
    endTour();
    setStep(0);
  };
  const go = (to: number) => {
    const next = stops[to];
    if (!next) return end();
    setStep(to);
    void navigate({ to: next.path });
  };

  return (
    <Modal
      opened
      onClose={end}
      title={text("tourTitle")}
      size="md"
      yOffset="auto"
      xOffset="sm"
      styles={{ inner: { alignItems: "flex-end" } }}
      overlayProps={{ backgroundOpacity: 0.15 }}
      closeButtonProps={{ "aria-label": text("tourEnd") }}
    >
      <Stack>
        <Stepper
          active={step}
          onStepClick={go}
          size="xs"
          allowNextStepsSelect
          styles={{ stepBody: { display: "none" }, separator: { marginInline: 4 } }}
        >
          {stops.map((each) => (
            <Stepper.Step key={each.name} aria-label={text(each.name)} />
          ))}
        </Stepper>
        <Text fw={600}>{text(stop.name)}</Text>
        <Text>{text(hints[stop.name])}</Text>
        <Group justify="space-between">
          <Button variant="subtle" onClick={end}>
            {text("tourEnd")}
          </Button>
          <Button onClick={() => go(step + 1)}>{text(last ? "tourDone" : "tourNext")}</Button>
        </Group>
      </Stack>
    </Modal>
  );
}
