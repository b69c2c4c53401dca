// What there is, and whether it is enough.

import { Alert, List, SimpleGrid, Stack } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { api, type Schemas, unwrap } from "../../../api/client";
import { HubWords } from "../../../components/HubWords";
import { Stat } from "../../../components/Stat";
import { Empty, Loaded } from "../../../components/states";
import { useFormat } from "../../../i18n/format";
import { useDatasetText } from "../text";
import { Balance } from "./Balance";
import { Curve } from "./Curve";
import { Noise } from "./Noise";
import { Origins } from "./Origins";
import { Splits } from "./Splits";
import { Weeks } from "./Weeks";

export function Overview() {
  const text = useDatasetText();
  const found = useQuery({ queryKey: ["statistics"], queryFn: () => unwrap(api.GET("/api/v1/statistics")) });
  return (
    <Loaded query={found} lines={8}>
      {(statistics) =>
        statistics.samples === 0 ? (
          <Empty title={text("empty")}>{text("emptyHint")}</Empty>
        ) : (
          <Stack>
            <Counts statistics={statistics} />
            {statistics.warnings.length > 0 && <Warnings warnings={statistics.warnings} />}
            <SimpleGrid cols={{ base: 1, lg: 2 }}>
              <Balance />
              <Curve />
              <Splits splits={statistics.splits} />
              <Noise noise={statistics.label_noise} at={statistics.label_noise_at_ms} />
              <Weeks weeks={statistics.weeks} />
              <Origins sources={statistics.sources} bins={statistics.bins} />
            </SimpleGrid>
          </Stack>
        )
      }
    </Loaded>
  );
}

function Counts({ statistics }: { statistics: Schemas["StatisticsView"] }) {
  const text = useDatasetText();
  const format = useFormat();
  const share = (part: number) => format.percent(part / Math.max(1, statistics.samples));
  const storage = statistics.storage;
  return (
    <SimpleGrid cols={{ base: 2, sm: 3, lg: 5 }}>
      <Stat
        label={text("samples")}
        value={format.number(statistics.samples)}
        hint={format.bytes(statistics.image_bytes)}
      />
      <Stat label={text("labelled")} value={format.number(statistics.labelled)} hint={share(statistics.labelled)} />
      <Stat
        label={text("unlabelled")}
        value={format.number(statistics.unlabelled)}
        hint={share(statistics.unlabelled)}
      />
      <Stat label={text("unusable")} value={format.number(statistics.unusable)} hint={share(statistics.unusable)} />
      {storage && (
        <Stat
          label={text("storage")}
          value={format.bytes(storage.objects_bytes + storage.database_bytes)}
          hint={text("storageOf", { objects: format.number(storage.objects) })}
        />
      )}
    </SimpleGrid>
  );
}

function Warnings({ warnings }: { warnings: string[] }) {
  const text = useDatasetText();
  return (
    <Alert color="yellow" icon={<IconAlertTriangle />} title={text("warnings", { count: warnings.length })}>
      <List size="sm" spacing={2}>
        {warnings.map((warning) => (
          <List.Item key={warning}>
            <HubWords size="sm">{warning}</HubWords>
          </List.Item>
        ))}
      </List>
    </Alert>
  );
}
