// What a person may ask of a bin at once, and what it answered.

import { Alert, Button, Group, Stack, Text } from "@mantine/core";
import { IconBulb, IconCamera, IconRefresh } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { api, type Schemas, unwrap } from "../../api/client";
import { useLive } from "../../api/live";
import { Confirm } from "../../components/Confirm";
import { ErrorNote } from "../../components/states";
import { useFormat } from "../../i18n/format";
import type { BinDetail } from "./queries";
import { useFleetText } from "./text";

type Command = "identify" | "capture" | "restart";

/** What a bin said to a command, whoever asked. */
interface Reply {
  at: number;
  done: boolean;
  words: string;
}

export function Commands({ bin }: { bin: Pick<BinDetail, "id" | "online"> }) {
  const text = useFleetText();
  const format = useFormat();
  const [reply, setReply] = useState<Reply | null>(null);
  useLive((event) => {
    if (event.type === "reply" && event.bin === bin.id)
      setReply({ at: Date.now(), done: event.done, words: event.words });
  });
  const ask = useMutation({
    mutationFn: (command: Command) =>
      unwrap<Schemas["CommandDone"]>(
        api.POST("/api/v1/bins/{id}/commands", { params: { path: { id: bin.id } }, body: { command } }),
      ),
    onMutate: () => setReply(null),
    onSuccess: ({ what }) => setReply((told) => told ?? { at: Date.now(), done: true, words: what }),
  });
  const asking = (command: Command) => ask.isPending && ask.variables === command;
  const blocked = !bin.online || ask.isPending;
  return (
    <Stack gap="xs">
      <Group gap="xs">
        <Button
          variant="default"
          leftSection={<IconBulb size={16} />}
          disabled={blocked && !asking("identify")}
          loading={asking("identify")}
          onClick={() => ask.mutate("identify")}
        >
          {text("identify")}
        </Button>
        <Button
          variant="default"
          leftSection={<IconCamera size={16} />}
          disabled={blocked && !asking("capture")}
          loading={asking("capture")}
          onClick={() => ask.mutate("capture")}
        >
          {text("capture")}
        </Button>
        <Confirm
          variant="default"
          leftSection={<IconRefresh size={16} />}
          disabled={blocked && !asking("restart")}
          loading={asking("restart")}
          question={text("restartQuestion")}
          action={text("restart")}
          onConfirm={() => ask.mutate("restart")}
        >
          {text("restart")}
        </Confirm>
        {!bin.online && (
          <Text size="sm" c="dimmed">
            {text("commandsOffline")}
          </Text>
        )}
      </Group>
      {ask.isError && <ErrorNote error={ask.error} title={text("notDone")} />}
      {reply && !ask.isError && (
        <Alert
          color={reply.done ? "green" : "red"}
          role="status"
          py="xs"
          title={text(reply.done ? "replied" : "notDone")}
        >
          {reply.words} · {format.clock(reply.at)}
        </Alert>
      )}
    </Stack>
  );
}
