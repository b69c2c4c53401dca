// One bin: what it sees, how it is, and what a person may ask of it.

import { Anchor, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { asApiError } from "../../api/problem";
import { useMay } from "../../api/queries";
import { Empty, Loaded, PageHead } from "../../components/states";
import { useFormat } from "../../i18n/format";
import { Commands } from "./Commands";
import { Details } from "./Details";
import { Ending } from "./Ending";
import { Frames } from "./Frames";
import { Health } from "./Health";
import { Items } from "./Items";
import { type BinDetail, binOf, useLiveBin } from "./queries";
import { Reported } from "./Reported";
import { Attention, Online } from "./Status";
import { useFleetText } from "./text";

export function Bin() {
  const { bin: id } = useParams({ strict: false }) as { bin: string };
  return <BinPage id={id} key={id} />;
}

/** @param id of the bin */
export function BinPage({ id }: { id: string }) {
  const text = useFleetText();
  const query = useQuery(binOf(id));
  useLiveBin(id);
  if (query.isError && asApiError(query.error).status === 404) {
    return (
      <Empty title={text("noSuchBin", { id })}>
        <Anchor component={Link} to="/fleet">
          {text("title")}
        </Anchor>
      </Empty>
    );
  }
  return (
    <Loaded query={query} lines={8}>
      {(bin) => <OneBin bin={bin} />}
    </Loaded>
  );
}

function OneBin({ bin }: { bin: BinDetail }) {
  const text = useFleetText();
  const format = useFormat();
  const may = useMay("admin");
  return (
    <>
      <Anchor component={Link} to="/fleet" size="sm">
        {text("backToFleet")}
      </Anchor>
      <PageHead title={bin.name} hint={bin.group ? `${bin.id} · ${bin.group}` : bin.id}>
        <Online online={bin.online} />
        <Attention bin={bin} />
        <Text size="sm" c="dimmed">
          {bin.last_seen_ms ? text("seen", { ago: format.ago(bin.last_seen_ms) }) : text("neverSeen")}
        </Text>
      </PageHead>
      <Stack>
        {may && <Commands bin={bin} />}
        <Items id={bin.id} />
        <Health bin={bin} />
        <div className="tiles" style={{ "--tile": "24rem" } as React.CSSProperties}>
          <Reported bin={bin} />
          <Details bin={bin} key={`${bin.name} ${bin.group} ${JSON.stringify(bin.place)}`} />
        </div>
        <Frames id={bin.id} />
        {may && <Ending id={bin.id} />}
      </Stack>
    </>
  );
}
