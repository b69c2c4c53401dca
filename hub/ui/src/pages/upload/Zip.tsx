// A zip of class folders: sent with progress, imported by the hub in the background, with a report of each file.

import { Alert, Button, Checkbox, Code, Group, Progress, Stack, Text } from "@mantine/core";
import { IconFileZip } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { api, type Schemas, unwrap, upload } from "../../api/client";
import { asApiError } from "../../api/problem";
import { ErrorNote, Loaded } from "../../components/states";
import { useFormat } from "../../i18n/format";
import { useUploadText } from "./text";
import { ZipReport } from "./ZipReport";

/** The last import of this browser tab: it is shown again after a reload. */
const storageKey = "pilah-import";

/** How often a running import is asked for, in milliseconds. */
const POLL_MS = 1000;

export function Zip() {
  const text = useUploadText();
  const format = useFormat();
  const chooser = useRef<HTMLInputElement>(null);
  const [file, setFile] = useState<File | null>(null);
  const [newClasses, setNewClasses] = useState(false);
  const [merge, setMerge] = useState(false);
  const [share, setShare] = useState(0);
  const [id, setId] = useState(() => sessionStorage.getItem(storageKey));

  const send = useMutation({
    mutationFn: (zip: File) => {
      setShare(0);
      const query = new URLSearchParams({
        name: zip.name,
        new_classes: String(newClasses),
        merge_folders: String(merge),
      });
      return upload<Schemas["Accepted"]>(`/api/v1/imports?${query}`, zip, { onProgress: setShare });
    },
    // The file stays chosen here, and what the hub lost with a restart is sent anew.
    retry: (failures, error) => failures < 4 && asApiError(error).isPassing,
    onSuccess: (accepted) => {
      sessionStorage.setItem(storageKey, accepted.id);
      setId(accepted.id);
      setFile(null);
    },
  });

  return (
    <Stack gap="md">
      <section className="card" aria-label={text("zip")}>
        <Text size="sm" mb="sm">
          {text("zipHint")} <Code>glass/1.jpg</Code>
        </Text>
        <Checkbox
          label={text("newClasses")}
          description={text("newClassesHint")}
          checked={newClasses}
          onChange={(event) => setNewClasses(event.currentTarget.checked)}
          mb="xs"
        />
        <Checkbox
          label={text("mergeFolders")}
          description={text("mergeFoldersHint")}
          checked={merge}
          onChange={(event) => setMerge(event.currentTarget.checked)}
          mb="md"
        />
        <Group gap="sm">
          <Button variant="default" leftSection={<IconFileZip size={18} />} onClick={() => chooser.current?.click()}>
            {text("chooseZip")}
          </Button>
          {file && (
            <>
              <Text size="sm">{`${file.name}, ${format.bytes(file.size)}`}</Text>
              <Button loading={send.isPending} onClick={() => send.mutate(file)}>
                {text("sendZip")}
              </Button>
            </>
          )}
        </Group>
        <input
          ref={chooser}
          type="file"
          hidden
          accept=".zip,application/zip"
          data-testid="zip"
          onChange={(event) => {
            setFile(event.currentTarget.files?.[0] ?? null);
            event.currentTarget.value = "";
            send.reset();
          }}
        />
        {send.isPending && (
          <Stack gap={4} mt="md">
            <Text size="sm">{text("sendingZip", { share: format.percent(share) })}</Text>
            <Progress value={share * 100} aria-label={text("progress")} />
          </Stack>
        )}
        {send.isError && (
          <div style={{ marginTop: "0.75rem" }}>
            <ErrorNote error={send.error} retry={() => file && send.mutate(file)} />
          </div>
        )}
      </section>
      {id && <Import id={id} />}
    </Stack>
  );
}

function Import({ id }: { id: string }) {
  const text = useUploadText();
  const format = useFormat();
  const queries = useQueryClient();
  const query = useQuery({
    queryKey: ["import", id],
    queryFn: () => unwrap(api.GET("/api/v1/imports/{id}", { params: { path: { id } } })),
    refetchInterval: ({ state }) => (state.data && state.data.state !== "running" ? false : POLL_MS),
  });
  const state = query.data?.state;
  useEffect(() => {
    if (state !== "done") return;
    for (const key of ["classes", "statistics", "status"]) void queries.invalidateQueries({ queryKey: [key] });
  }, [state, queries]);
  return (
    <section className="card" aria-label={text("import")}>
      <Loaded query={query}>
        {(status) =>
          status.state === "running" ? (
            <Stack gap={4}>
              <Text size="sm" role="status">
                {text("importing", {
                  file: status.file,
                  done: format.number(status.done),
                  total: format.number(status.total),
                })}
              </Text>
              <Progress
                value={status.total > 0 ? (100 * status.done) / status.total : 100}
                animated={status.total === 0}
                aria-label={text("progress")}
              />
            </Stack>
          ) : status.state === "failed" ? (
            <Stack>
              <Alert color="red" role="alert" title={text("importFailed", { file: status.file })}>
                {status.error}
              </Alert>
              {status.report && <ZipReport report={status.report} />}
            </Stack>
          ) : (
            status.report && <ZipReport file={status.file} report={status.report} />
          )
        }
      </Loaded>
    </section>
  );
}
