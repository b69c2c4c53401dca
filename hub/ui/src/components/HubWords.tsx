// Words that the hub wrote, which are English: read aloud as such in every language.

import { Text, type TextProps } from "@mantine/core";

export function HubWords({ children, ...props }: { children: string } & TextProps) {
  return (
    <Text component="span" lang="en" style={{ overflowWrap: "anywhere" }} {...props}>
      {children}
    </Text>
  );
}
