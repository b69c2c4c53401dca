// What an address shows that no page has.

import { Anchor, Stack, Text, Title } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useShellText } from "./text";

export function NoSuchPage() {
  const text = useShellText();
  return (
    <Stack align="flex-start">
      <Title order={1}>{text("noSuchPage")}</Title>
      <Text>{text("noSuchPageHint")}</Text>
      <Anchor component={Link} to="/">
        {text("home")}
      </Anchor>
    </Stack>
  );
}
