// A class of waste in its colour and in the reader's language.

import { Badge, type BadgeProps } from "@mantine/core";
import { classColour, useClassName } from "../i18n/classes";

export function ClassBadge({ label, ...props }: { label: string } & BadgeProps) {
  const name = useClassName();
  return (
    <Badge variant="light" color={classColour(label)} tt="none" {...props}>
      {name(label)}
    </Badge>
  );
}
