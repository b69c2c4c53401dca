// The files of this visit: what they show, how far each is, and what became of it.

import { Alert, Button, Group, Progress, Select, Stack, Text } from "@mantine/core";
import { IconCloudX, IconPlayerPause, IconUpload } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useConnection } from "../../api/live";
import { limits } from "../../api/queries";
import { DropArea } from "../../components/DropArea";
import type { Found } from "../../components/droppedFiles";
import { examine } from "../../components/imageFile";
import { problemText, useStatesText } from "../../components/states";
import { useClassName } from "../../i18n/classes";
import { useFormat } from "../../i18n/format";
import * as batch from "./batch";
import { FileRow } from "./FileRow";
import { Report } from "./Report";
import { useUploadText } from "./text";
import { uploader as theUploader, type Uploader, useBatch } from "./uploader";

/** Rows that are shown at first, and that each click adds. */
const ROWS = 50;

export function Files({ classes, uploader = theUploader }: { classes: readonly string[]; uploader?: Uploader }) {
  const text = useUploadText();
  const states = useStatesText();
  const name = useClassName();
  const format = useFormat();
  const now = useBatch(uploader);
  const connection = useConnection();
  const mostBytes = useQuery(limits).data?.image_bytes;
  const [rows, setRows] = useState(ROWS);
  const counts = batch.tally(now);
  const unsent = counts.held + counts.ready + counts.sending + counts.failed;
  const options = classes.map((label) => ({ value: label, label: name(label) }));

  useEffect(() => {
    if (connection === "live") uploader.retryNow();
  }, [connection, uploader]);
  useEffect(() => {
    if (unsent === 0) return;
    // Files cannot be kept across a reload: the browser asks first.
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", ask);
    return () => window.removeEventListener("beforeunload", ask);
  }, [unsent]);

  const add = async (found: Found[]) => {
    const files = await Promise.all(
      found.map(async ({ file, path }) => ({
        file,
        path,
        label: batch.labelOfPath(path, classes),
        finding: await examine(file, mostBytes),
      })),
    );
    uploader.change(batch.added(uploader.snapshot(), files));
  };

  const listed = batch.byUrgency(now);
  const settled = counts.stored + counts.duplicate;
  return (
    <Stack gap="md">
      <DropArea hint={text("drop")} accept="image/*" multiple folders pastes onFiles={(files) => void add(files)} />
      {now.entries.length > 0 && (
        <>
          <section className="card" aria-label={text("batch")}>
            <Group align="flex-end" gap="sm">
              <Select
                label={text("allShow")}
                placeholder={text("chooseClass")}
                data={options}
                value={null}
                onChange={(label) => label && uploader.change(batch.labelledAll(uploader.snapshot(), label, true))}
                disabled={counts.held + counts.ready === 0}
                w={{ base: "100%", xs: 220 }}
              />
              {now.running ? (
                <Button
                  variant="default"
                  leftSection={<IconPlayerPause size={18} />}
                  onClick={() => uploader.change(batch.running(uploader.snapshot(), false))}
                >
                  {text("pause")}
                </Button>
              ) : (
                <Button
                  leftSection={<IconUpload size={18} />}
                  disabled={counts.ready === 0}
                  onClick={() => uploader.change(batch.running(uploader.snapshot(), true))}
                >
                  {text("send", { count: counts.ready, number: format.number(counts.ready) })}
                </Button>
              )}
              {counts.failed + counts.refused > 0 && (
                <Button variant="default" onClick={() => uploader.change(batch.again(uploader.snapshot()))}>
                  {text("again", { number: format.number(counts.failed + counts.refused) })}
                </Button>
              )}
              {settled > 0 && (
                <Button
                  variant="subtle"
                  color="gray"
                  onClick={() => {
                    const keys = new Set(now.entries.filter(batch.isSettled).map((entry) => entry.key));
                    uploader.change(batch.removed(uploader.snapshot(), keys));
                  }}
                >
                  {text("clear")}
                </Button>
              )}
            </Group>
            <Progress mt="md" value={(100 * settled) / now.entries.length} aria-label={text("progress")} />
            <Report counts={counts} />
            {now.stalled && (
              <Alert color="yellow" mt="sm" role="status" icon={<IconCloudX />} title={text("waits")}>
                <Group justify="space-between">
                  <Text size="sm">{problemText(states, now.stalled)}</Text>
                  <Button size="compact-sm" variant="default" onClick={() => uploader.retryNow()}>
                    {text("tryNow")}
                  </Button>
                </Group>
              </Alert>
            )}
          </section>
          <Stack component="ul" gap="xs" m={0} p={0} aria-label={text("files")} style={{ listStyle: "none" }}>
            {listed.slice(0, rows).map((entry) => (
              <FileRow key={entry.key} entry={entry} options={options} uploader={uploader} />
            ))}
          </Stack>
          {listed.length > rows && (
            <Button variant="default" onClick={() => setRows(rows + ROWS)}>
              {text("more", { number: format.number(listed.length - rows) })}
            </Button>
          )}
        </>
      )}
    </Stack>
  );
}
