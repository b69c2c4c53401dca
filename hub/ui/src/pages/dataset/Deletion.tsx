// Deletes all images of a bin or of a person: what would go first, then for good.

import {
  Alert,
  Button,
  Group,
  NativeSelect,
  SegmentedControl,
  SimpleGrid,
  Stack,
  Text,
  TextInput,
} from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, type Schemas, unwrap } from "../../api/client";
import { bins } from "../../api/queries";
import { Card } from "../../components/Card";
import { Confirm } from "../../components/Confirm";
import { Stat } from "../../components/Stat";
import { ErrorNote, Needs } from "../../components/states";
import { useFormat } from "../../i18n/format";
import { useDatasetText } from "./text";

type Whose = { bin: string } | { sent_by: string };

const ask = (whose: Whose, dry_run: boolean) =>
  unwrap(api.POST("/api/v1/dataset/deletions", { body: { ...whose, dry_run } }));

export function Deletion() {
  return (
    <Needs role="admin">
      <Form />
    </Needs>
  );
}

function Form() {
  const text = useDatasetText();
  const queries = useQueryClient();
  const all = useQuery(bins).data ?? [];
  const [of, setOf] = useState<"bin" | "person">("bin");
  const [bin, setBin] = useState("");
  const [person, setPerson] = useState("");
  const plan = useMutation({ mutationFn: (whose: Whose) => ask(whose, true) });
  const remove = useMutation({
    mutationFn: (whose: Whose) => ask(whose, false),
    onSuccess: () => {
      plan.reset();
      void queries.invalidateQueries();
    },
  });

  const name = of === "bin" ? bin : person.trim();
  const change = (act: () => void) => {
    act();
    plan.reset();
    remove.reset();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    remove.reset();
    plan.mutate(of === "bin" ? { bin } : { sent_by: name });
  };
  return (
    <Card title={text("deletion")} hint={text("deletionHint")}>
      <form onSubmit={submit}>
        <Stack>
          <SegmentedControl
            aria-label={text("deletionOf")}
            value={of}
            onChange={(value) => change(() => setOf(value as "bin" | "person"))}
            data={[
              { value: "bin", label: text("ofBin") },
              { value: "person", label: text("ofPerson") },
            ]}
          />
          {of === "bin" ? (
            <NativeSelect
              label={text("whichBin")}
              value={bin}
              onChange={(event) => change(() => setBin(event.currentTarget.value))}
              data={[
                { value: "", label: text("choose") },
                ...all.map((each) => ({ value: each.id, label: each.name ? `${each.id} · ${each.name}` : each.id })),
              ]}
            />
          ) : (
            <TextInput
              label={text("whichPerson")}
              description={text("whichPersonHint")}
              value={person}
              onChange={(event) => change(() => setPerson(event.currentTarget.value))}
            />
          )}
          <Group>
            <Button type="submit" variant="default" loading={plan.isPending} disabled={name === ""}>
              {text("dryRun")}
            </Button>
          </Group>
        </Stack>
      </form>
      {(plan.isError || remove.isError) && (
        <Stack mt="md">
          <ErrorNote error={plan.error ?? remove.error} />
        </Stack>
      )}
      {plan.data && plan.variables && (
        <Plan
          name={name}
          deletion={plan.data}
          busy={remove.isPending}
          onDelete={() => plan.variables && remove.mutate(plan.variables)}
        />
      )}
      {remove.data && <Done deletion={remove.data} />}
    </Card>
  );
}

function Plan({
  name,
  deletion,
  busy,
  onDelete,
}: {
  name: string;
  deletion: Schemas["Deletion"];
  busy: boolean;
  onDelete: () => void;
}) {
  const text = useDatasetText();
  const format = useFormat();
  if (deletion.samples === 0) {
    return (
      <Text mt="md" role="status">
        {text("nothingToDelete", { name })}
      </Text>
    );
  }
  return (
    <Stack mt="md" role="status">
      <Text fw={600}>{text("wouldDelete", { name })}</Text>
      <SimpleGrid cols={{ base: 2, sm: 4 }}>
        <Stat label={text("samples")} value={format.number(deletion.samples)} />
        <Stat label={text("images")} value={format.number(deletion.images)} />
        <Stat label={text("room")} value={format.bytes(deletion.bytes)} />
        <Stat label={text("kept")} value={format.number(deletion.kept)} hint={text("keptHint")} />
      </SimpleGrid>
      <Group>
        <Confirm
          color="red"
          loading={busy}
          question={text("deleteQuestion", { name, samples: format.number(deletion.samples) })}
          action={text("delete")}
          onConfirm={onDelete}
        >
          {text("deleteAll")}
        </Confirm>
      </Group>
    </Stack>
  );
}

function Done({ deletion }: { deletion: Schemas["Deletion"] }) {
  const text = useDatasetText();
  const format = useFormat();
  return (
    <Alert mt="md" color="leaf" role="status" title={text("deleted", { samples: format.number(deletion.samples) })}>
      {deletion.audit ? text("audit", { audit: deletion.audit }) : null}
    </Alert>
  );
}
