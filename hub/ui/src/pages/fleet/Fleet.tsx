// All bins: as a table, as cards on a phone, and on a map.

import { Button, Group, SegmentedControl, Text } from "@mantine/core";
import { useDisclosure, useMediaQuery } from "@mantine/hooks";
import { IconPlus } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useMemo, useState } from "react";
import { bins as binsQuery, useMay } from "../../api/queries";
import { Empty, Loaded, Loading, PageHead } from "../../components/states";
import { useLanguage } from "../../i18n";
import { BinCards } from "./BinCards";
import { BinTable } from "./BinTable";
import { chosen, firstChoice } from "./choose";
import { Enrol } from "./Enrol";
import { Filters } from "./Filters";
import { useLiveFleet } from "./queries";
import { type BinView, concernsOf } from "./telemetry";
import { useFleetText } from "./text";

const FleetMap = lazy(() => import("./FleetMap").then(({ FleetMap }) => ({ default: FleetMap })));

export function Fleet() {
  const text = useFleetText();
  const query = useQuery(binsQuery);
  const may = useMay("admin");
  const [enrolling, { open, close }] = useDisclosure(false);
  useLiveFleet();
  return (
    <>
      <PageHead title={text("title")} hint={text("hint")}>
        {may && (
          <Button leftSection={<IconPlus size={16} />} onClick={open}>
            {text("enrol")}
          </Button>
        )}
      </PageHead>
      <Loaded query={query} lines={8}>
        {(bins) =>
          bins.length === 0 ? (
            <Empty title={text("noBins")}>{text(may ? "noBinsHint" : "noBinsAsk")}</Empty>
          ) : (
            <Bins bins={bins} />
          )
        }
      </Loaded>
      <Enrol opened={enrolling} onClose={close} />
    </>
  );
}

function Bins({ bins }: { bins: BinView[] }) {
  const text = useFleetText();
  const language = useLanguage();
  const onPhone = useMediaQuery("(max-width: 48em)", false, { getInitialValueInEffect: false });
  const [view, setView] = useState("table");
  const [choice, setChoice] = useState(firstChoice);
  const listed = useMemo(() => chosen(bins, choice, language), [bins, choice, language]);
  const online = bins.filter((bin) => bin.online).length;
  const attention = bins.filter((bin) => concernsOf(bin).length > 0).length;
  return (
    <>
      <Group justify="space-between" mb="sm">
        <Text role="status" size="sm">
          {text("counts", { bins: bins.length, online, attention })}
          {listed.length < bins.length && ` · ${text("listed", { listed: listed.length })}`}
        </Text>
        <SegmentedControl
          size="xs"
          aria-label={text("view")}
          value={view}
          onChange={setView}
          data={[
            { value: "table", label: text("list") },
            { value: "map", label: text("map") },
          ]}
        />
      </Group>
      <Filters bins={bins} choice={choice} onChange={setChoice} withSort={Boolean(onPhone) && view === "table"} />
      {listed.length === 0 ? (
        <Empty title={text("noMatch")}>
          <Button variant="subtle" onClick={() => setChoice(firstChoice)}>
            {text("showAll")}
          </Button>
        </Empty>
      ) : view === "map" ? (
        <Suspense fallback={<Loading lines={8} />}>
          <FleetMap bins={listed} />
        </Suspense>
      ) : onPhone ? (
        <BinCards bins={listed} />
      ) : (
        <BinTable bins={listed} choice={choice} onChange={setChoice} />
      )}
    </>
  );
}
