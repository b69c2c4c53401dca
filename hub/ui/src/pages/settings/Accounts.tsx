// Accounts: a list, a form that adds one, and the password or secret of a new one, shown once.

import { Button, Group, Modal, Stack, Table, Text, TextInput } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import type { UseQueryResult } from "@tanstack/react-query";
import { type FormEvent, type ReactNode, useState } from "react";
import { Heads } from "../../components/Heads";
import { Scrolls } from "../../components/Scrolls";
import { ErrorNote, Loaded } from "../../components/states";
import { type Given, GivenOnce } from "./GivenOnce";
import { useSettingsText } from "./text";

/** What is done with a password or secret that was drawn. */
export type OnGiven = (given: Given) => void;

export function Accounts<T>({
  hint,
  add,
  query,
  list,
  form,
  once,
}: {
  hint: string;
  /** What the button says that opens the form. */
  add: string;
  query: UseQueryResult<T>;
  list: (accounts: T, onGiven: OnGiven) => ReactNode;
  form: (opened: boolean, onClose: () => void, onGiven: OnGiven) => ReactNode;
  /** What is said with a password or secret. */
  once: { title: (name: string) => string; hint: string; label: string };
}) {
  const [adding, setAdding] = useState(false);
  const [given, setGiven] = useState<Given | null>(null);
  return (
    <Stack>
      <Group justify="space-between">
        <Text size="sm" c="dimmed" maw={640}>
          {hint}
        </Text>
        <Button leftSection={<IconPlus size={16} />} onClick={() => setAdding(true)}>
          {add}
        </Button>
      </Group>
      <Loaded query={query}>{(accounts) => list(accounts, setGiven)}</Loaded>
      {form(adding, () => setAdding(false), setGiven)}
      <GivenOnce
        given={given}
        title={once.title(given?.name ?? "")}
        hint={once.hint}
        label={once.label}
        onClose={() => setGiven(null)}
      />
    </Stack>
  );
}

/** The table of accounts. */
export function AccountTable({
  label,
  columns,
  error,
  children,
}: {
  label: string;
  columns: readonly string[];
  /** Why the last change was not made. */
  error: Error | null;
  children: ReactNode;
}) {
  return (
    <section className="card">
      {error && <ErrorNote error={error} />}
      <Scrolls label={label}>
        <Table miw={640}>
          <Heads names={columns} />
          <Table.Tbody>{children}</Table.Tbody>
        </Table>
      </Scrolls>
    </section>
  );
}

/** The form for a new account: its name, and what else it needs. */
export function AddAccount({
  opened,
  onClose,
  title,
  pattern,
  rule,
  bad,
  add,
  children,
}: {
  opened: boolean;
  onClose: () => void;
  title: string;
  /** What a name is made of, as the hub checks it. */
  pattern: RegExp;
  /** The same in words. */
  rule: string;
  /** What is said of another name. */
  bad: string;
  /** Adds the account of that name; the form closes once the hub has it. */
  add: {
    mutate: (name: string, options: { onSuccess: () => void }) => void;
    reset: () => void;
    error: Error | null;
    isPending: boolean;
  };
  children: ReactNode;
}) {
  const text = useSettingsText();
  const [name, setName] = useState("");
  const close = () => {
    onClose();
    add.reset();
    setName("");
  };
  const isBad = name !== "" && !pattern.test(name);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (pattern.test(name)) add.mutate(name, { onSuccess: close });
  };
  return (
    <Modal opened={opened} onClose={close} title={title} closeButtonProps={{ "aria-label": text("close") }}>
      <form onSubmit={submit}>
        <Stack>
          <TextInput
            label={text("name")}
            description={rule}
            error={isBad ? bad : undefined}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            required
            withAsterisk={false}
            maxLength={64}
            autoCapitalize="none"
            autoComplete="off"
            spellCheck={false}
            data-autofocus
          />
          {children}
          {add.error && <ErrorNote error={add.error} />}
          <Group justify="flex-end">
            <Button type="submit" loading={add.isPending} disabled={name === "" || isBad}>
              {title}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
