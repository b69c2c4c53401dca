// Who listens to the bins over MQTT: accounts with a secret that is shown once, for administrators.

import { Checkbox, Group, Table } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, type Schemas, unwrap } from "../../api/client";
import { Confirm } from "../../components/Confirm";
import { Empty } from "../../components/states";
import { useFormat } from "../../i18n/format";
import { Accounts, AccountTable, AddAccount, type OnGiven } from "./Accounts";
import { subscribers } from "./queries";
import { useSettingsText } from "./text";

type Subscriber = Schemas["SubscriberView"];

/** What a name is made of, as the hub checks it. */
const namePattern = /^[a-z0-9_-]{1,64}$/;

export function Subscribers() {
  const text = useSettingsText();
  return (
    <Accounts
      hint={text("subscribersHint")}
      add={text("addSubscriber")}
      query={useQuery(subscribers)}
      list={(list, onGiven) => <List list={list} onGiven={onGiven} />}
      form={(opened, onClose, onGiven) => <Add opened={opened} onClose={onClose} onGiven={onGiven} />}
      once={{ title: (name) => text("secretOf", { name }), hint: text("secretOnce"), label: text("secret") }}
    />
  );
}

function List({ list, onGiven }: { list: readonly Subscriber[]; onGiven: OnGiven }) {
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
    <AccountTable
      label={text("subscribers")}
      columns={[text("name"), text("reads"), text("since"), text("actions")]}
      error={error}
    >
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
    </AccountTable>
  );
}

function Add({ opened, onClose, onGiven }: { opened: boolean; onClose: () => void; onGiven: OnGiven }) {
  const text = useSettingsText();
  const queries = useQueryClient();
  const [samples, setSamples] = useState(false);
  const add = useMutation({
    mutationFn: (name: string) => unwrap(api.POST("/api/v1/subscribers", { body: { name, samples } })),
    onSuccess: ({ name, secret }) => {
      void queries.invalidateQueries({ queryKey: ["subscribers"] });
      onGiven({ name, value: secret });
    },
  });
  const close = () => {
    onClose();
    setSamples(false);
  };
  return (
    <AddAccount
      opened={opened}
      onClose={close}
      title={text("addSubscriber")}
      pattern={namePattern}
      rule={text("subscriberNameRule")}
      bad={text("subscriberNameBad")}
      add={add}
    >
      <Checkbox
        label={text("imagesToo")}
        description={text("imagesTooHint")}
        checked={samples}
        onChange={(event) => setSamples(event.currentTarget.checked)}
      />
    </AddAccount>
  );
}
