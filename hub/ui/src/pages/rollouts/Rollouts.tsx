// Which model is wanted, how another goes to the fleet group by group, and how far each bin is.

import { Button, SimpleGrid, Stack } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconRocket } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { api, type Schemas, unwrap } from "../../api/client";
import { bins, models, useMay } from "../../api/queries";
import { Empty, Loaded, PageHead } from "../../components/states";
import { Bins } from "./Bins";
import { Change } from "./Change";
import { Overview } from "./Overview";
import { Past } from "./Past";
import { members } from "./progress";
import { Rollout } from "./Rollout";
import { Start } from "./Start";
import { useRolloutsText } from "./text";

export function Rollouts() {
  const text = useRolloutsText();
  const found = useQuery({ queryKey: ["rollout"], queryFn: () => unwrap(api.GET("/api/v1/rollout")) });
  const all = useQuery({ queryKey: ["rollouts"], queryFn: () => unwrap(api.GET("/api/v1/rollouts")) });
  const list = useQuery(models).data;
  const admin = useMay("admin");
  const [starting, { open, close }] = useDisclosure(false);
  const underWay = (all.data ?? []).some((each) => each.open);
  return (
    <>
      <PageHead title={text("title")} hint={text("hint")}>
        {admin && list && all.data && found.data?.desired && (
          <Button leftSection={<IconRocket size={18} />} onClick={open} disabled={underWay}>
            {text("new")}
          </Button>
        )}
      </PageHead>
      {starting && list && <Start list={list} onClose={close} />}
      <Loaded query={found} lines={6}>
        {(rollout) =>
          rollout.desired ? (
            <Stack>
              <Loaded query={all} lines={4}>
                {(rollouts) => <Staged rollouts={rollouts} />}
              </Loaded>
              <Everywhere rollout={rollout} desired={rollout.desired} list={admin ? list : undefined} />
            </Stack>
          ) : (
            <Empty title={text("none")}>{text("noneHint")}</Empty>
          )
        }
      </Loaded>
    </>
  );
}

/** The rollout that is looked at: the newest, until another is chosen. */
function Staged({ rollouts }: { rollouts: Schemas["RolloutView"][] }) {
  const text = useRolloutsText();
  const [chosen, setChosen] = useState<number | null>(null);
  const shown = rollouts.find((each) => each.id === chosen) ?? rollouts[0];
  if (!shown) return <Empty title={text("noRollouts")}>{text("noRolloutsHint")}</Empty>;
  return (
    <>
      <Rollout id={shown.id} />
      {rollouts.length > 1 && <Past rollouts={rollouts} shown={shown.id} onShow={setChosen} />}
    </>
  );
}

function Everywhere({
  rollout,
  desired,
  list,
}: {
  rollout: Schemas["RolloutState"];
  desired: string;
  list: Schemas["ModelList"] | undefined;
}) {
  const text = useRolloutsText();
  const known = useQuery(bins).data;
  const all = useMemo(() => members(rollout, known ?? []), [rollout, known]);
  return (
    <Stack>
      <SimpleGrid cols={{ base: 1, lg: list ? 2 : 1 }} style={{ alignItems: "start" }}>
        <Overview desired={desired} all={all} />
        {list && <Change list={list} />}
      </SimpleGrid>
      {all.length === 0 ? (
        <Empty title={text("noBins")}>
          <Button component={Link} to="/fleet" variant="default">
            {text("enrol")}
          </Button>
        </Empty>
      ) : (
        <Bins all={all} />
      )}
    </Stack>
  );
}
