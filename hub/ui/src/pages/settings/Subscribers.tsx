// Who listens to the bins over MQTT: accounts with a secret that is shown once, for administrators.

import { Button, Checkbox, Group, Modal, Stack, Table, Text, TextInput } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, type Schemas, unwrap } from "../../api/client";
import { Confirm } from "../../components/Confirm";
import { Empty, ErrorNote, Loaded } from "../../components/states";
import { useFormat } from "../../i18n/format";
import { type Given, GivenOnce } from "./GivenOnce";
import { subscribers } from "./queries";
import { useSettingsText } from "./text";

type Subscriber = Schemas["SubscriberView"];

/** What a name is made of, as the hub checks it. */
const namePattern = /^[a-z0-9_-]{1,64}$/;

export function Subscribers() {
  const text = useSettingsText();
  const query = useQuery(subscribers);
  const [adding, setAdding] = useState(false);
  const [given, setGiven] = useState<Given | null>(null);
  return (
    <Stack>
      <Group justify="space-between">
        <Text size="sm" c="dimmed" maw={640}>
          {text("subscribersHint")}
        </Text>
        <Button leftSection={<IconPlus size={16} />} onClick={() => setAdding(true)}>
          {text("addSubscriber")}
        </Button>
      </Group>
      <Loaded query={query}>{(list) => <List list={list} onGiven={setGiven} />}</Loaded>
      <Add opened={adding} onClose={() => setAdding(false)} onGiven={setGiven} />
      <GivenOnce
        given={given}
        title={text("secretOf", { name: given?.name ?? "" })}
        hint={text("secretOnce")}
        label={text("secret")}
        onClose={() => setGiven(null)}
      />
    </Stack>
  );
}

function List({ list, onGiven }: { list: readonly Subscriber[]; onGiven: (given: Given) => void }) {
  const text = useSettingsText();
  const format = useFormat();
  const queries = useQueryClient();
  const path = (name: string) => ({ params: { path: { name } } });
  const renew = useMutation({
    mutationFn: (name: string) => unwrap(api.POST("/api/v1/subscribers/{name}/secret", path(name))),
    onSuccess: ({ name, secret }) => onGiven({ name, value: secret }),
  });
  const remove = useMutation({
    mutationFn: (name: string) => unwrap(api.DELETE("/api/v1/subscribers/{name}", path(name))),
    onSettled: () => queries.invalidateQueries({ queryKey: ["subscribers"] }),
  });
  const error = renew.error ?? remove.error;
  if (list.length === 0) return <Empty title={text("noSubscribers")} />;
  return (
    <section className="card">
      {error && <ErrorNote error={error} />}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by the keyboard */}
      <section className="scrolls" tabIndex={0} aria-label={text("subscribers")}>
        <Table miw={560}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th scope="col">{text("name")}</Table.Th>
              <Table.Th scope="col">{text("reads")}</Table.Th>
              <Table.Th scope="col">{text("since")}</Table.Th>
              <Table.Th scope="col">{text("actions")}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {list.map(({ name, samples, created_ms }) => (
              <Table.Tr key={name}>
                <Table.Th scope="row">{name}</Table.Th>
                <Table.Td>{text(samples ? "withImages" : "withoutImages")}</Table.Td>
                <Table.Td className="figures">{format.time(created_ms)}</Table.Td>
                <Table.Td>
                  <Group gap="xs">
                    <Confirm
                      action={text("newSecret")}
                      question={text("newSecretQuestion", { name })}
                      onConfirm={() => renew.mutate(name)}
                      size="compact-md"
                      variant="default"
                    >
                      {text("newSecret")}
                    </Confirm>
                    <Confirm
                      action={text("remove")}
                      question={text("removeSubscriberQuestion", { name })}
                      onConfirm={() => remove.mutate(name)}
                      size="compact-md"
                      variant="outline"
                      color="red"
                    >
                      {text("remove")}
                    </Confirm>
                  </Group>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </section>
    </section>
  );
}

function Add({ opened, onClose, onGiven }: { opened: boolean; onClose: () => void; onGiven: (given: Given) => void }) {
  const text = useSettingsText();
  const queries = useQueryClient();
  const [name, setName] = useState("");
  const [samples, setSamples] = useState(false);
  const add = useMutation({
    mutationFn: () => unwrap(api.POST("/api/v1/subscribers", { body: { name, samples } })),
    onSuccess: ({ name, secret }) => {
      void queries.invalidateQueries({ queryKey: ["subscribers"] });
      close();
      onGiven({ name, value: secret });
    },
  });
  const close = () => {
    onClose();
    add.reset();
    setName("");
    setSamples(false);
  };
  const isBad = name !== "" && !namePattern.test(name);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (namePattern.test(name)) add.mutate();
  };
  return (
    <Modal
      opened={opened}
      onClose={close}
      title={text("addSubscriber")}
      closeButtonProps={{ "aria-label": text("close") }}
    >
      <form onSubmit={submit}>
        <Stack>
          <TextInput
            label={text("name")}
            description={text("subscriberNameRule")}
            error={isBad ? text("subscriberNameBad") : undefined}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            required
            withAsterisk={false}
            maxLength={64}
            autoCapitalize="none"
            spellCheck={false}
            data-autofocus
          />
          <Checkbox
            label={text("imagesToo")}
            description={text("imagesTooHint")}
            checked={samples}
            onChange={(event) => setSamples(event.currentTarget.checked)}
          />
          {add.error && <ErrorNote error={add.error} />}
          <Group justify="flex-end">
            <Button type="submit" loading={add.isPending} disabled={name === "" || isBad}>
              {text("addSubscriber")}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
