// Logging in, as a page for a visitor.

import { Alert, Button, Center, Code, Group, PasswordInput, Stack, Text, TextInput, Title } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { at } from "../api/base";
import { api, type Schemas, unwrap } from "../api/client";
import { asApiError } from "../api/problem";
import { problemText, useStatesText } from "../components/states";
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
            <img src={at("/icon.svg")} alt="" width={36} height={36} />
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

/** Name and password; `onDone` is called once the person is logged in. */
export function LoginForm({ name, onDone }: { name: string; onDone: (who: Schemas["Me"]) => void }) {
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
