// One rollout: what it is doing and why, its groups as a picture, which bins need a look, and what happened.

import { Alert, Anchor, Badge, Group, Stack, Table, Text, Timeline } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { api, type Schemas, unwrap } from "../../api/client";
import { useMay } from "../../api/queries";
import { Card } from "../../components/Card";
import { HubWords } from "../../components/HubWords";
import { Scrolls } from "../../components/Scrolls";
import { Loaded } from "../../components/states";
import { useFormat } from "../../i18n/format";
import { Actions } from "./Actions";
import { Field } from "./Field";
import { type Lane, Lanes } from "./Lanes";
import { placeOf } from "./lanes";
import { colours, phaseNames } from "./phase";
import { useRolloutsText } from "./text";

type View = Schemas["RolloutDetail"];

/** As many bins that need a look are listed. */
const MOST_TROUBLES = 50;

/** As much of the history is shown. */
const MOST_HAPPENINGS = 100;

export function Rollout({ id }: { id: number }) {
  const found = useQuery({
    queryKey: ["rollouts", id],
    queryFn: () => unwrap(api.GET("/api/v1/rollouts/{id}", { params: { path: { id } } })),
  });
  return (
    <Loaded query={found} lines={8}>
      {(rollout) => (
        <Stack>
          <Now rollout={rollout} />
          <Field rollout={id} />
          <History rollout={rollout} />
        </Stack>
      )}
    </Loaded>
  );
}

function Now({ rollout }: { rollout: View }) {
  const text = useRolloutsText();
  const format = useFormat();
  const admin = useMay("admin");
  return (
    <Card
      title={text("rolloutOf", { version: rollout.version })}
      hint={
        <>
          <Anchor component={Link} to="/models/$version" params={{ version: rollout.version } as never} size="sm">
            {rollout.version}
          </Anchor>{" "}
          {text("insteadOf", { before: rollout.before, when: format.time(rollout.started_ms), by: rollout.by })}
        </>
      }
      actions={
        <Badge size="lg" variant="light" color={colours[rollout.phase]}>
          {text(phaseNames[rollout.phase])}
        </Badge>
      }
    >
      <Stack>
        {"words" in rollout && (
          <Alert
            color={colours[rollout.phase]}
            py="xs"
            role="status"
            title={text(rollout.phase === "held" ? "heldHint" : "stoppedHint")}
          >
            <HubWords size="sm">{rollout.words}</HubWords>
          </Alert>
        )}
        {rollout.reason && (
          <Text size="sm">
            {text("allTheSame")} <HubWords size="sm">{rollout.reason}</HubWords>
          </Text>
        )}
        {admin && <Actions rollout={rollout} />}
        <Lanes lanes={lanesOf(rollout)} />
        <Troubles rollout={rollout} />
      </Stack>
    </Card>
  );
}

/** The groups as lanes; the last that was reached is under way. */
function lanesOf(rollout: View): Lane[] {
  return rollout.groups.map((group, index) => ({
    name: group.name,
    reached: group.reached_ms != null,
    current: rollout.open && index === rollout.reached - 1,
    dots: group.bins.map((bin) => ({ bin: bin.bin, place: placeOf(bin.state) })),
  }));
}

/** Why bins did not keep the version, in their own words. */
function Troubles({ rollout }: { rollout: View }) {
  const text = useRolloutsText();
  const troubles = rollout.groups.flatMap((group) =>
    group.bins.flatMap((bin): { bin: string; standing: string; words: string | null }[] => {
      if (bin.state === "refused") return [{ bin: bin.bin, standing: text("refused"), words: bin.error }];
      if (bin.state === "took_back") return [{ bin: bin.bin, standing: text("tookBack"), words: bin.reason }];
      if (bin.state === "blocked") return [{ bin: bin.bin, standing: text("blocked"), words: bin.reason }];
      if (bin.state === "silent") return [{ bin: bin.bin, standing: text("silentBin"), words: null }];
      return [];
    }),
  );
  if (troubles.length === 0) return null;
  return (
    <Scrolls label={text("troubles")}>
      <Table verticalSpacing="xs" miw={420}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{text("bin")}</Table.Th>
            <Table.Th>{text("standing")}</Table.Th>
            <Table.Th>{text("why")}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {troubles.slice(0, MOST_TROUBLES).map((trouble) => (
            <Table.Tr key={trouble.bin}>
              <Table.Td>
                <Anchor component={Link} to="/fleet/$bin" params={{ bin: trouble.bin } as never} fz="sm">
                  {trouble.bin}
                </Anchor>
              </Table.Td>
              <Table.Td>{trouble.standing}</Table.Td>
              <Table.Td>{trouble.words && <HubWords size="sm">{trouble.words}</HubWords>}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {troubles.length > MOST_TROUBLES && (
        <Text size="sm" c="dimmed">
          {text("moreTroubles", { count: troubles.length - MOST_TROUBLES })}
        </Text>
      )}
    </Scrolls>
  );
}

function History({ rollout }: { rollout: View }) {
  const text = useRolloutsText();
  const format = useFormat();
  const happenings = rollout.history.toReversed().slice(0, MOST_HAPPENINGS);
  return (
    <Card title={text("history")}>
      <Timeline bulletSize={12} lineWidth={2} active={happenings.length}>
        {happenings.map((each, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: several things may happen in a millisecond, in this order
          <Timeline.Item key={index}>
            <HubWords size="sm">{each.words}</HubWords>
            <Group gap={4}>
              <Text size="xs" c="dimmed">
                {format.time(each.at_ms)}
              </Text>
            </Group>
          </Timeline.Item>
        ))}
      </Timeline>
    </Card>
  );
}
