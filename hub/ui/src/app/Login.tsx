// Logging in: as a page for a visitor, and over the page when a session has ended in the middle of something.

import { Alert, Button, Center, Code, Group, Modal, PasswordInput, Stack, Text, TextInput, Title } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, type Schemas, unwrap } from "../api/client";
import { asApiError } from "../api/problem";
import { me } from "../api/queries";
import { sessionGivenUp, sessionRenewed } from "../api/session";
import { problemText, useStatesText } from "../components/states";
import { useLogout } from "./Account";
import { LanguageSwitch, ThemeSwitch } from "./Preferences";
import { useShellText } from "./text";

/** What a visitor sees. */
export function LoginPage() {
  const text = useShellText();
  const queries = useQueryClient();
  return (
    <Center component="main" mih="100dvh" p="md">
      <Stack className="card" w="100%" maw={400} p="lg">
        <Group justify="space-between" wrap="nowrap">
          <Group gap="xs" wrap="nowrap">
            <img src="/icon.svg" alt="" width={36} height={36} />
            <Title order={1} size="h3">
              Pilah
            </Title>
          </Group>
          <Group gap={4} wrap="nowrap">
            <LanguageSwitch />
            <ThemeSwitch />
          </Group>
        </Group>
        <LoginForm name="admin" onDone={() => void queries.invalidateQueries()} />
        <Text size="sm" c="dimmed">
          {text("loginHint")} <Code>pilah-hub user reset admin</Code>
        </Text>
      </Stack>
    </Center>
  );
}

/** Over the page: what was typed there stays. */
export function LoginAgain() {
  const text = useShellText();
  const { data } = useQuery(me);
  const logout = useLogout();
  const queries = useQueryClient();
  const goOn = (who: Schemas["Me"]) => {
    if (data && who.user !== data.user) {
      // What waits was said by somebody else: nothing of it is sent in this person's name.
      sessionGivenUp();
      location.assign("/");
      return;
    }
    sessionRenewed();
    void queries.invalidateQueries();
  };
  return (
    <Modal opened onClose={() => logout.mutate()} title={text("expired")} closeOnClickOutside={false} centered>
      <Stack>
        <Text>{text("expiredHint")}</Text>
        <LoginForm name={data?.user ?? ""} onDone={goOn} />
      </Stack>
    </Modal>
  );
}

function LoginForm({ name, onDone }: { name: string; onDone: (who: Schemas["Me"]) => void }) {
  const text = useShellText();
  const words = useStatesText();
  const [user, setUser] = useState(name);
  const [password, setPassword] = useState("");
  const login = useMutation({
    mutationFn: () => unwrap(api.POST("/api/v1/login", { body: { user, password } })),
    onSuccess: onDone,
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    login.mutate();
  };
  const problem = login.error && asApiError(login.error);
  return (
    <form onSubmit={submit}>
      <Stack>
        <TextInput
          label={text("name")}
          autoComplete="username"
          value={user}
          onChange={(event) => setUser(event.currentTarget.value)}
          required
          withAsterisk={false}
        />
        <PasswordInput
          label={text("password")}
          autoComplete="current-password"
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
          required
          withAsterisk={false}
          data-autofocus
          visibilityToggleButtonProps={{ "aria-label": text("showPassword") }}
        />
        {problem && (
          <Alert color="red" role="alert">
            {problem.status === 401 ? text("wrongPassword") : problemText(words, problem)}
          </Alert>
        )}
        <Button type="submit" loading={login.isPending}>
          {text("login")}
        </Button>
      </Stack>
    </form>
  );
}
