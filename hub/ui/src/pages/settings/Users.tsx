// Who may do what: accounts and their roles, for administrators.

import { Group, Select, Table, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, type Schemas, unwrap } from "../../api/client";
import { me, type Role, roles } from "../../api/queries";
import { Confirm } from "../../components/Confirm";
import { useFormat } from "../../i18n/format";
import { Accounts, AccountTable, AddAccount, type OnGiven } from "./Accounts";
import { passphrase } from "./passphrase";
import { users } from "./queries";
import { useSettingsText } from "./text";

type User = Schemas["UserView"];

/** What a login name is made of, as the hub checks it. */
const namePattern = /^[a-z0-9][a-z0-9._@-]{0,63}$/;

export function Users() {
  const text = useSettingsText();
  return (
    <Accounts
      hint={text("usersHint")}
      add={text("addUser")}
      query={useQuery(users)}
      list={(list, onGiven) => <List list={list} onGiven={onGiven} />}
      form={(opened, onClose, onGiven) => <Add opened={opened} onClose={onClose} onGiven={onGiven} />}
      once={{ title: (name) => text("passwordOf", { name }), hint: text("passwordOnce"), label: text("newPassword") }}
    />
  );
}

function List({ list, onGiven }: { list: readonly User[]; onGiven: OnGiven }) {
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
    <AccountTable
      label={text("users")}
      columns={[text("name"), text("role"), text("lastLogin"), text("actions")]}
      error={error}
    >
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
              onChange={(role) => role && role !== user.role && change.mutate({ name: user.name, role: role as Role })}
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
    </AccountTable>
  );
}

function Add({ opened, onClose, onGiven }: { opened: boolean; onClose: () => void; onGiven: OnGiven }) {
  const text = useSettingsText();
  const queries = useQueryClient();
  const [role, setRole] = useState<Role>("reviewer");
  const add = useMutation({
    mutationFn: async (name: string) => {
      const password = passphrase();
      await unwrap(api.POST("/api/v1/users", { body: { name, password, role } }));
      return { name, value: password };
    },
    onSuccess: (given) => {
      void queries.invalidateQueries({ queryKey: ["users"] });
      onGiven(given);
    },
  });
  return (
    <AddAccount
      opened={opened}
      onClose={onClose}
      title={text("addUser")}
      pattern={namePattern}
      rule={text("nameRule")}
      bad={text("nameBad")}
      add={add}
    >
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
    </AddAccount>
  );
}
