// Forecasts: what is coming, when to collect which bin, and what the forecast learns from.

import { Tabs } from "@mantine/core";
import { IconChartLine, IconDatabase, IconTruck } from "@tabler/icons-react";
import { useState } from "react";
import { PageHead } from "../../components/states";
import { Demand } from "./Demand";
import { Plan } from "./Plan";
import { Training } from "./Training";
import { useForecastText } from "./text";

export function Forecasts() {
  const text = useForecastText();
  const [tab, setTab] = useState<string | null>("demand");
  return (
    <>
      <PageHead title={text("title")} hint={text("hint")} />
      <Tabs value={tab} onChange={setTab} keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="demand" leftSection={<IconChartLine size={16} />}>
            {text("demand")}
          </Tabs.Tab>
          <Tabs.Tab value="plan" leftSection={<IconTruck size={16} />}>
            {text("plan")}
          </Tabs.Tab>
          <Tabs.Tab value="training" leftSection={<IconDatabase size={16} />}>
            {text("training")}
          </Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="demand">
          <Demand onTrain={() => setTab("training")} />
        </Tabs.Panel>
        <Tabs.Panel value="plan">
          <Plan />
        </Tabs.Panel>
        <Tabs.Panel value="training">
          <Training onShow={() => setTab("demand")} />
        </Tabs.Panel>
      </Tabs>
    </>
  );
}
