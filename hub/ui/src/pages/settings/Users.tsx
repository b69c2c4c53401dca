// Who may do what: accounts and their roles, for administrators.

import { Button, Group, Modal, Select, Stack, Table, Text, TextInput } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, type Schemas, unwrap } from "../../api/client";
import { me, type Role, roles } from "../../api/queries";
import { Confirm } from "../../components/Confirm";
import { ErrorNote, Loaded } from "../../components/states";
import { useFormat } from "../../i18n/format";
import { type Given, GivenOnce } from "./GivenOnce";
import { passphrase } from "./passphrase";
import { users } from "./queries";
import { useSettingsText } from "./text";

type User = Schemas["UserView"];

/** What a login name is made of, as the hub checks it. */
const namePattern = /^[a-z0-9][a-z0-9._@-]{0,63}$/;

export function Users() {
  const text = useSettingsText();
  const query = useQuery(users);
  const [adding, setAdding] = useState(false);
  const [given, setGiven] = useState<Given | null>(null);
  return (
    <Stack>
      <Group justify="space-between">
        <Text size="sm" c="dimmed" maw={640}>
          {text("usersHint")}
        </Text>
        <Button leftSection={<IconPlus size={16} />} onClick={() => setAdding(true)}>
          {text("addUser")}
        </Button>
      </Group>
      <Loaded query={query}>{(list) => <List list={list} onGiven={setGiven} />}</Loaded>
      <Add opened={adding} onClose={() => setAdding(false)} onGiven={setGiven} />
      <GivenOnce
        given={given}
        title={text("passwordOf", { name: given?.name ?? "" })}
        hint={text("passwordOnce")}
        label={text("newPassword")}
        onClose={() => setGiven(null)}
      />
    </Stack>
  );
}

function List({ list, onGiven }: { list: readonly User[]; onGiven: (given: Given) => void }) {
  const text = useSettingsText();
  const format = useFormat();
  const queries = useQueryClient();
  const own = useQuery(me).data?.user;
  const refresh = () => queries.invalidateQueries({ queryKey: ["users"] });
  const path = (name: string) => ({ params: { path: { name } } });
  const change = useMutation({
    mutationFn: ({ name, role }: { name: string; role: Role }) =>
      unwrap(api.PATCH("/api/v1/users/{name}", { ...path(name), body: { role } })),
    onSettled: refresh,
  });
  const reset = useMutation({
    mutationFn: async (name: string) => {
      const password = passphrase();
      await unwrap(api.PATCH("/api/v1/users/{name}", { ...path(name), body: { password } }));
      return { name, value: password };
    },
    onSuccess: onGiven,
  });
  const remove = useMutation({
    mutationFn: (name: string) => unwrap(api.DELETE("/api/v1/users/{name}", path(name))),
    onSettled: refresh,
  });
  const error = change.error ?? reset.error ?? remove.error;
  return (
    <section className="card">
      {error && <ErrorNote error={error} />}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by the keyboard */}
      <section className="scrolls" tabIndex={0} aria-label={text("users")}>
        <Table miw={680}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th scope="col">{text("name")}</Table.Th>
              <Table.Th scope="col">{text("role")}</Table.Th>
              <Table.Th scope="col">{text("lastLogin")}</Table.Th>
              <Table.Th scope="col">{text("actions")}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {list.map((user) => (
              <Table.Tr key={user.name}>
                <Table.Th scope="row">
                  {user.name}
                  {user.name === own && (
                    <Text size="xs" c="dimmed" fw={400}>
                      {text("you")}
                    </Text>
                  )}
                </Table.Th>
                <Table.Td>
                  <Select
                    aria-label={text("roleOf", { name: user.name })}
                    value={user.role}
                    allowDeselect={false}
                    disabled={user.name === own || change.isPending}
                    onChange={(role) =>
                      role && role !== user.role && change.mutate({ name: user.name, role: role as Role })
                    }
                    data={roles.map((role) => ({ value: role, label: text(`role_${role}`) }))}
                    w={160}
                  />
                </Table.Td>
                <Table.Td>{user.last_login_ms ? format.ago(user.last_login_ms) : text("never")}</Table.Td>
                <Table.Td>
                  {user.name !== own && (
                    <Group gap="xs" wrap="nowrap">
                      <Confirm
                        size="compact-md"
                        variant="default"
                        question={text("resetQuestion", { name: user.name })}
                        action={text("resetPassword")}
                        onConfirm={() => reset.mutate(user.name)}
                      >
                        {text("resetPassword")}
                      </Confirm>
                      <Confirm
                        size="compact-md"
                        variant="outline"
                        color="red"
                        question={text("removeQuestion", { name: user.name })}
                        action={text("remove")}
                        onConfirm={() => remove.mutate(user.name)}
                      >
                        {text("remove")}
                      </Confirm>
                    </Group>
                  )}
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
  const [role, setRole] = useState<Role>("reviewer");
  const add = useMutation({
    mutationFn: async () => {
      const password = passphrase();
      await unwrap(api.POST("/api/v1/users", { body: { name, password, role } }));
      return { name, value: password };
    },
    onSuccess: (given) => {
      void queries.invalidateQueries({ queryKey: ["users"] });
      close();
      onGiven(given);
    },
  });
  const close = () => {
    onClose();
    add.reset();
    setName("");
  };
  const isBad = name !== "" && !namePattern.test(name);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (namePattern.test(name)) add.mutate();
  };
  return (
    <Modal opened={opened} onClose={close} title={text("addUser")} closeButtonProps={{ "aria-label": text("close") }}>
      <form onSubmit={submit}>
        <Stack>
          <TextInput
            label={text("name")}
            description={text("nameRule")}
            error={isBad ? text("nameBad") : undefined}
            value={name}
            maxLength={64}
            autoCapitalize="none"
            autoComplete="off"
            onChange={(event) => setName(event.currentTarget.value)}
            data-autofocus
          />
          <Select
            label={text("role")}
            description={text(`may_${role}`)}
            allowDeselect={false}
            value={role}
            onChange={(chosen) => chosen && setRole(chosen as Role)}
            data={roles.map((each) => ({ value: each, label: text(`role_${each}`) }))}
          />
          <Text size="sm" c="dimmed">
            {text("passwordMade")}
          </Text>
          {add.isError && <ErrorNote error={add.error} />}
          <Group justify="flex-end">
            <Button type="submit" loading={add.isPending} disabled={name === "" || isBad}>
              {text("addUser")}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
