// Which model is wanted, how far each bin is with it, and another one for all of them.

import { Button, SimpleGrid, Stack } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { api, type Schemas, unwrap } from "../../api/client";
import { bins, models, useMay } from "../../api/queries";
import { Empty, Loaded, PageHead } from "../../components/states";
import { Bins } from "./Bins";
import { Change } from "./Change";
import { Overview } from "./Overview";
import { members } from "./progress";
import { useRolloutsText } from "./text";

export function Rollouts() {
  const text = useRolloutsText();
  const found = useQuery({ queryKey: ["rollout"], queryFn: () => unwrap(api.GET("/api/v1/rollout")) });
  return (
    <>
      <PageHead title={text("title")} hint={text("hint")} />
      <Loaded query={found} lines={6}>
        {(rollout) =>
          rollout.desired ? (
            <Found rollout={rollout} desired={rollout.desired} />
          ) : (
            <Empty title={text("none")}>{text("noneHint")}</Empty>
          )
        }
      </Loaded>
    </>
  );
}

function Found({ rollout, desired }: { rollout: Schemas["RolloutState"]; desired: string }) {
  const text = useRolloutsText();
  const admin = useMay("admin");
  const known = useQuery(bins).data;
  const list = useQuery(models).data;
  const all = useMemo(() => members(rollout, known ?? []), [rollout, known]);
  return (
    <Stack>
      <SimpleGrid cols={{ base: 1, lg: admin && list ? 2 : 1 }} style={{ alignItems: "start" }}>
        <Overview desired={desired} all={all} />
        {admin && list && <Change list={list} />}
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
