// Choosing one's own password.

import { Alert, Button, Group, PasswordInput, Stack, Text, Title } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, unwrap } from "../../api/client";
import { limits, me } from "../../api/queries";
import { ErrorNote } from "../../components/states";
import { useSettingsText } from "./text";

export function Password() {
  const text = useSettingsText();
  const { data } = useQuery(me);
  const least = useQuery(limits).data?.password_characters;
  const [old, setOld] = useState("");
  const [wanted, setWanted] = useState("");
  const [again, setAgain] = useState("");
  const change = useMutation({
    mutationFn: () => unwrap(api.POST("/api/v1/me/password", { body: { old, new: wanted } })),
    onSuccess: () => {
      setOld("");
      setWanted("");
      setAgain("");
    },
  });
  const isShort = wanted !== "" && least !== undefined && [...wanted].length < least;
  const differs = again !== "" && again !== wanted;
  const isWhole = old !== "" && wanted !== "" && again === wanted && !isShort;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isWhole) change.mutate();
  };
  const toggle = { "aria-label": text("showPassword") };
  return (
    <section className="card" style={{ maxWidth: 480 }}>
      <Title order={2} size="h4">
        {text("myPassword")}
      </Title>
      <Text size="sm" c="dimmed" mb="sm">
        {text("myPasswordHint")}
      </Text>
      <form onSubmit={submit}>
        <Stack gap="sm">
          {/* A password manager ties the new password to this name. */}
          <input type="text" autoComplete="username" value={data?.user ?? ""} readOnly hidden />
          <PasswordInput
            label={text("oldPassword")}
            autoComplete="current-password"
            value={old}
            onChange={(event) => setOld(event.currentTarget.value)}
            visibilityToggleButtonProps={toggle}
          />
          <PasswordInput
            label={text("newPassword")}
            description={least === undefined ? undefined : text("passwordRule", { least })}
            autoComplete="new-password"
            value={wanted}
            onChange={(event) => setWanted(event.currentTarget.value)}
            error={isShort ? text("tooShort", { least }) : undefined}
            visibilityToggleButtonProps={toggle}
          />
          <PasswordInput
            label={text("newPasswordAgain")}
            autoComplete="new-password"
            value={again}
            onChange={(event) => setAgain(event.currentTarget.value)}
            error={differs ? text("differs") : undefined}
            visibilityToggleButtonProps={toggle}
          />
          {change.isError && <ErrorNote error={change.error} />}
          {change.isSuccess && (
            <Alert color="green" role="status">
              {text("passwordChanged")}
            </Alert>
          )}
          <Group>
            <Button type="submit" loading={change.isPending} disabled={!isWhole}>
              {text("changePassword")}
            </Button>
          </Group>
        </Stack>
      </form>
    </section>
  );
}
