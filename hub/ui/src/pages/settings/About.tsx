// What this is: its version, its interface, and the licences of what it is made of.

import { Anchor, List, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { at } from "../../api/base";
import { Loaded } from "../../components/states";
import { settings } from "./queries";
import { useSettingsText } from "./text";

export function About() {
  const text = useSettingsText();
  const query = useQuery(settings);
  return (
    <section className="card" style={{ maxWidth: 640 }}>
      <Title order={2} size="h4" mb="xs">
        Pilah
      </Title>
      <Loaded query={query} lines={2}>
        {({ version, demo }) => (
          <Stack gap="xs">
            <Text>{text("version", { version })}</Text>
            {demo && <Text>{text("demo")}</Text>}
          </Stack>
        )}
      </Loaded>
      <List mt="sm" spacing={4}>
        <List.Item>
          <Anchor href={at("/api/v1/openapi.json")}>{text("openapi")}</Anchor>
        </List.Item>
        <List.Item>
          <Anchor href={at("/retrain.html")}>{text("retrainPage")}</Anchor>
        </List.Item>
        <List.Item>
          <Anchor href={at("/licences.md")}>{text("licences")}</Anchor>
        </List.Item>
      </List>
      <Text size="sm" c="dimmed" mt="sm">
        {text("ownLicence")}
      </Text>
    </section>
  );
}
