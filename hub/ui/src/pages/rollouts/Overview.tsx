// The model that is wanted, and how many bins have it.

import { Anchor, Group, SimpleGrid, Stack, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { Card } from "../../components/Card";
import { useFormat } from "../../i18n/format";
import { counts, type Member, standings } from "./progress";
import styles from "./Rollouts.module.css";
import { Sign } from "./Sign";
import { useRolloutsText } from "./text";

export function Overview({ desired, all }: { desired: string; all: Member[] }) {
  const text = useRolloutsText();
  const format = useFormat();
  const found = counts(all);
  const share = found.inForce / Math.max(1, all.length);
  return (
    <Card
      title={text("wanted")}
      hint={
        <Anchor component={Link} to="/models/$version" params={{ version: desired } as never} fw={650} size="lg">
          {desired}
        </Anchor>
      }
    >
      {all.length > 0 && (
        <Stack gap="sm">
          <Text size="sm" role="status">
            {text(found.inForce === all.length ? "complete" : "partly", {
              done: format.number(found.inForce),
              count: all.length,
              share: format.percent(share),
            })}
          </Text>
          <div className={styles.bar} aria-hidden>
            {standings.map((standing) => (
              <span
                key={standing}
                className={styles[standing]}
                title={text(standing)}
                style={{ width: `${(100 * found[standing]) / all.length}%` }}
              />
            ))}
          </div>
          <SimpleGrid cols={{ base: 2, sm: 3 }} spacing="xs" component="ul" p={0} m={0} style={{ listStyle: "none" }}>
            {standings.map((standing) => (
              <Group key={standing} component="li" gap={6} wrap="nowrap">
                <Sign standing={standing} />
                <Text span size="sm" className="figures">
                  {text("counted", { standing: text(standing), count: format.number(found[standing]) })}
                </Text>
              </Group>
            ))}
          </SimpleGrid>
        </Stack>
      )}
    </Card>
  );
}
