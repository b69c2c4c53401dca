// Bins that need somebody.

import { Anchor, Button, Group, Text, ThemeIcon, Title } from "@mantine/core";
import {
  IconCameraOff,
  IconCloudUpload,
  IconDoor,
  IconPlugConnectedX,
  IconRefreshAlert,
  IconTemperature,
  IconTrash,
} from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ComponentType } from "react";
import { bins as binsQuery, status as statusQuery } from "../../api/queries";
import { Empty, Loaded } from "../../components/states";
import { useFormat } from "../../i18n/format";
import { type Attention, attention, type Trouble } from "./attention";
import styles from "./Home.module.css";
import { useHomeText } from "./text";

const icons: Record<Trouble, ComponentType<{ size?: number }>> = {
  flap: IconDoor,
  camera: IconCameraOff,
  offline: IconPlugConnectedX,
  full: IconTrash,
  slowed: IconTemperature,
  update: IconRefreshAlert,
  backlog: IconCloudUpload,
};

/** How many are listed; the rest is counted. */
const SHOWN = 6;

export function Attentions() {
  const text = useHomeText();
  const format = useFormat();
  const query = useQuery(binsQuery);
  const { data: hub } = useQuery(statusQuery);
  const refused = hub ? hub.doors.http.refused + hub.doors.mqtt.refused : 0;
  return (
    <section className="card" aria-label={text("attention")}>
      <Title order={2} size="h5" mb="xs">
        {text("attention")}
      </Title>
      {hub && !hub.ingest.connected && (
        <Text size="sm" mb="xs">
          {text("noBroker")}
        </Text>
      )}
      {refused > 0 && (
        <Text size="sm" mb="xs">
          {text("crowded", { number: format.number(refused) })}
        </Text>
      )}
      <Loaded query={query} lines={2}>
        {(bins) => {
          if (bins.length === 0) {
            return (
              <Empty title={text("noBins")}>
                {text("noBinsHint")}
                <Group justify="center" mt="sm">
                  <Button component={Link} to="/fleet">
                    {text("enrol")}
                  </Button>
                </Group>
              </Empty>
            );
          }
          const found = attention(bins);
          if (found.length === 0) return <Text size="sm">{text("allWell")}</Text>;
          return (
            <>
              <ul className={styles.attention}>
                {found.slice(0, SHOWN).map((each) => (
                  <One key={`${each.bin.id} ${each.trouble}`} attention={each} />
                ))}
              </ul>
              {found.length > SHOWN && (
                <Anchor component={Link} to="/fleet" size="sm">
                  {text("moreAttention", { number: format.number(found.length - SHOWN) })}
                </Anchor>
              )}
            </>
          );
        }}
      </Loaded>
    </section>
  );
}

function One({ attention: { bin, trouble, words, figure } }: { attention: Attention }) {
  const text = useHomeText();
  const format = useFormat();
  const Icon = icons[trouble];
  return (
    <li className={styles.trouble}>
      <ThemeIcon variant="light" color="orange" aria-hidden>
        <Icon size={18} />
      </ThemeIcon>
      <div>
        <Anchor component={Link} to={`/fleet/${encodeURIComponent(bin.id)}`} size="sm" fw={600}>
          {bin.name}
        </Anchor>
        <Text size="sm">
          {text(trouble, {
            figure: figure === null ? "" : trouble === "full" ? format.percent(figure) : format.number(figure),
            ago: bin.last_seen_ms == null ? "" : format.ago(bin.last_seen_ms),
          })}
        </Text>
        {words && (
          <Text size="xs" c="dimmed" style={{ overflowWrap: "anywhere" }}>
            {words}
          </Text>
        )}
      </div>
    </li>
  );
}
