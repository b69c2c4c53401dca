// What everybody should know on every page: the hub does not answer, or the data are virtual.

import { Alert } from "@mantine/core";
import { IconFlask, IconPlugConnectedX } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useConnection } from "../api/live";
import { status } from "../api/queries";
import { useShellText } from "./text";

export function Notices() {
  const text = useShellText();
  const connection = useConnection();
  const { data } = useQuery(status);
  return (
    <aside aria-label={text("notices")}>
      <div role="status">
        {connection === "lost" && (
          <Alert color="red" mb="md" icon={<IconPlugConnectedX />} title={text("lost")}>
            {text("lostHint")}
          </Alert>
        )}
      </div>
      {data?.demo && (
        <Alert color="yellow" mb="md" py="xs" icon={<IconFlask />}>
          {text("demo")}
        </Alert>
      )}
    </aside>
  );
}
