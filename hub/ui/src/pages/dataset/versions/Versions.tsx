// Frozen versions of the dataset: freeze, list, compare, export.

import { Button, Group, Stack, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, unwrap } from "../../../api/client";
import { useMay } from "../../../api/queries";
import { Card } from "../../../components/Card";
import { Empty, ErrorNote, Loaded } from "../../../components/states";
import { useDatasetText } from "../text";
import { Diff } from "./Diff";
import { VersionTable } from "./VersionTable";

export function Versions() {
  const text = useDatasetText();
  const reviewer = useMay("reviewer");
  const found = useQuery({
    queryKey: ["dataset-versions"],
    queryFn: () => unwrap(api.GET("/api/v1/dataset/versions")),
  });
  return (
    <Stack>
      {reviewer && <Freeze />}
      <Loaded query={found}>
        {({ versions }) =>
          versions.length === 0 ? (
            <Empty title={text("noVersions")}>{text("noVersionsHint")}</Empty>
          ) : (
            <>
              <Card title={text("versions")} hint={text("versionsHint")}>
                <VersionTable versions={versions} />
              </Card>
              {versions.length > 1 && <Diff versions={versions} />}
            </>
          )
        }
      </Loaded>
    </Stack>
  );
}

function Freeze() {
  const text = useDatasetText();
  const queries = useQueryClient();
  const [note, setNote] = useState("");
  const freeze = useMutation({
    mutationFn: () => unwrap(api.POST("/api/v1/dataset/versions", { body: { note } })),
    onSuccess: () => {
      setNote("");
      void queries.invalidateQueries({ queryKey: ["dataset-versions"] });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    freeze.mutate();
  };
  return (
    <Card title={text("freeze")} hint={text("freezeHint")}>
      <form onSubmit={submit}>
        <Group align="flex-end">
          <TextInput
            flex={1}
            miw={200}
            label={text("note")}
            placeholder={text("noteExample")}
            maxLength={1000}
            value={note}
            onChange={(event) => setNote(event.currentTarget.value)}
          />
          <Button type="submit" loading={freeze.isPending}>
            {text("freezeNow")}
          </Button>
        </Group>
      </form>
      <div role="status">{freeze.isSuccess && text("frozen", { id: freeze.data.id.slice(0, 8) })}</div>
      {freeze.isError && <ErrorNote error={freeze.error} />}
    </Card>
  );
}
