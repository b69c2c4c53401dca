// The states that every page has besides its content: loading, empty, failed, not permitted.

import { Alert, Button, Center, Group, Skeleton, Stack, Text, ThemeIcon, Title } from "@mantine/core";
import { IconAlertTriangle, IconInbox, IconLock } from "@tabler/icons-react";
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { type ApiError, asApiError } from "../api/problem";
import { type Role, useMay } from "../api/queries";
import { type Text as TextOf, texts } from "../i18n";
import en from "./states.en.json";
import id from "./states.id.json";

export const useStatesText = texts("states", { en, id });

/** What went wrong, in words: the hub's own, or why there is no answer. */
export function problemText(text: TextOf<typeof en>, problem: ApiError): string {
  if (problem.status === 0) return text("noAnswer");
  if (problem.status === 413) return problem.message || text("tooLarge");
  return problem.message;
}

/** While something is read. */
export function Loading({ lines = 4 }: { lines?: number }) {
  const text = useStatesText();
  return (
    <Stack role="status" aria-label={text("loading")} aria-busy>
      {Array.from({ length: lines }, (_, line) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the lines have nothing but their place
        <Skeleton key={line} height={24} radius="sm" width={line === 0 ? "40%" : "100%"} />
      ))}
    </Stack>
  );
}

/** What could not be done, and a way on. */
export function ErrorNote({ error, retry, title }: { error: unknown; retry?: () => void; title?: string }) {
  const text = useStatesText();
  const problem = asApiError(error);
  return (
    <Alert color="red" role="alert" icon={<IconAlertTriangle />} title={title ?? text("failed")}>
      <Group justify="space-between" align="flex-start">
        <Text size="sm" style={{ overflowWrap: "anywhere" }}>
          {problemText(text, problem)}
        </Text>
        {retry && (
          <Button size="compact-sm" variant="outline" color="red" onClick={retry}>
            {text("retry")}
          </Button>
        )}
      </Group>
    </Alert>
  );
}

/** Where nothing is yet, and what brings something. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <Center p="xl">
      <Stack align="center" gap="xs" maw={480}>
        <ThemeIcon variant="light" size={48} radius="xl">
          <IconInbox />
        </ThemeIcon>
        <Text fw={600} ta="center">
          {title}
        </Text>
        {children && (
          <Text component="div" c="dimmed" size="sm" ta="center">
            {children}
          </Text>
        )}
      </Stack>
    </Center>
  );
}

/** Shows its content to those who have the role, and to others who may help. */
export function Needs({ role, children }: { role: Role; children: ReactNode }) {
  const text = useStatesText();
  if (useMay(role)) return children;
  return (
    <Center p="xl">
      <Stack align="center" gap="xs" maw={480}>
        <ThemeIcon variant="light" size={48} radius="xl" color="gray">
          <IconLock />
        </ThemeIcon>
        <Text fw={600}>{text("notPermitted")}</Text>
        <Text c="dimmed" size="sm" ta="center">
          {text("needsRole", { role: text(role) })}
        </Text>
      </Stack>
    </Center>
  );
}

/** What a query gives once it is there; before and instead, the state that it is in. */
export function Loaded<T>({
  query,
  lines,
  children,
}: {
  query: UseQueryResult<T>;
  lines?: number;
  children: (data: T) => ReactNode;
}) {
  if (query.data !== undefined) return children(query.data);
  if (query.isError) return <ErrorNote error={query.error} retry={() => void query.refetch()} />;
  return <Loading lines={lines} />;
}

/** The head of a page: its title, one sentence on what it is for, and its actions. */
export function PageHead({ title, hint, children }: { title: string; hint?: string; children?: ReactNode }) {
  return (
    <Group justify="space-between" align="flex-end" mb="md" gap="sm">
      <div>
        <title>{`${title} · Pilah`}</title>
        <Title order={1} size="h2">
          {title}
        </Title>
        {hint && (
          <Text c="dimmed" size="sm" maw={720}>
            {hint}
          </Text>
        )}
      </div>
      {children && <Group gap="xs">{children}</Group>}
    </Group>
  );
}
