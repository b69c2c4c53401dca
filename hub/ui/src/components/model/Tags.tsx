// What a version is for: in service, the one before, a candidate, refused.

import { Badge, Group } from "@mantine/core";
import type { Schemas } from "../../api/client";
import { useModelText } from "./text";

const colours = {
  in_service: "leaf",
  previous: "blue",
  candidate: "yellow",
  rejected: "red",
  retired: "gray",
} as const;

/** Its tags; a version without one was refused, or was in service once. */
export function tagsOf(model: Pick<Schemas["ModelView"], "state" | "tags">): (keyof typeof colours)[] {
  const known = model.tags.filter((tag) => tag in colours) as (keyof typeof colours)[];
  if (known.length > 0) return known;
  return [model.state === "rejected" ? "rejected" : "retired"];
}

export function Tags({ model }: { model: Pick<Schemas["ModelView"], "state" | "tags"> }) {
  const text = useModelText();
  return (
    <Group gap={4}>
      {tagsOf(model).map((tag) => (
        <Badge
          key={tag}
          variant={tag === "in_service" ? "filled" : "light"}
          color={colours[tag]}
          tt="none"
          miw="max-content"
        >
          {text(tag)}
        </Badge>
      ))}
    </Group>
  );
}
