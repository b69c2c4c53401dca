// What the hub understood of an imported network's input, what says so, and what speaks against it.

import { Text } from "@mantine/core";
import type { Schemas } from "../../api/client";
import { useFormat } from "../../i18n/format";
import { useModelsText } from "./text";

/** What was changed of a network, with the key of what is said of it. */
const changes = {
  gathered: "change_gathered",
  widened: "change_widened",
  bytes: "change_bytes",
  channels_last: "change_channels_last",
  log_softmax: "change_log_softmax",
} as const;

export function Understood({ input }: { input: Schemas["Understood"] }) {
  const text = useModelsText();
  const format = useFormat();
  const { width, height, scaling } = input;
  const each = input.tried.map((tried) =>
    text("triedEach", { scaling: tried.scaling, right: format.number(tried.right) }),
  );
  return (
    <>
      <Text size="sm">{text("understood", { width, height, scaling, because: text(`because_${input.because}`) })}</Text>
      {input.images > 0 && (
        <Text size="sm">{text("triedOut", { images: format.number(input.images), each: each.join(", ") })}</Text>
      )}
      {input.doubts.map((doubt) => (
        <Text size="sm" fw={600} role="alert" key={doubt.by}>
          {text(doubt.by === "images" ? "doubt_images" : "doubt_file", { scaling: doubt.scaling })}
        </Text>
      ))}
      {Object.entries(changes)
        .filter(([change]) => input.changes.includes(change))
        .map(([change, key]) => (
          <Text size="sm" key={change}>
            {text(key)}
          </Text>
        ))}
    </>
  );
}
