// The secret of a bin, which is shown once, and what to do with it.

import { Alert, Anchor, Stack, Text } from "@mantine/core";
import { IconKey } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { base } from "../../api/base";
import type { Schemas } from "../../api/client";
import { Copy } from "./Copy";
import { configurationOf } from "./configuration";
import { settings } from "./queries";
import { useFleetText } from "./text";

export function Secret({ enrolled }: { enrolled: Schemas["Enrolled"] }) {
  const text = useFleetText();
  const { data } = useQuery(settings);
  const broker = data?.settings.find(({ name }) => name === "broker_address")?.value;
  const root = enrolled.root_of_trust;
  const known = typeof broker === "string" ? broker : null;
  const lines = configurationOf(enrolled.id, known, new URL(location.href), base, root != null);
  return (
    <Stack gap="sm">
      <Alert color="yellow" icon={<IconKey />} title={text("secretOnce")}>
        {text("secretOnceHint")}
      </Alert>
      <div>
        <Text fw={600} size="sm" mb={4}>
          {text("secretStep")}
        </Text>
        <Copy value={enrolled.secret} label={text("secret")} />
      </div>
      <div>
        <Text fw={600} size="sm" mb={4}>
          {text("configurationStep")}
        </Text>
        <Copy value={lines} label={text("configuration")} />
      </div>
      {root != null && (
        <div>
          <Text fw={600} size="sm" mb={4}>
            {text("rootStep")}
          </Text>
          <Anchor
            size="sm"
            href={`data:application/json;charset=utf-8,${encodeURIComponent(root)}`}
            download="root.json"
          >
            {text("root")}
          </Anchor>
        </div>
      )}
      <Text size="sm" c="dimmed">
        {text("configurationHint")}
      </Text>
    </Stack>
  );
}
