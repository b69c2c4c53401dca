// Why the hub would not take a file, in words, and what can be done about it here.

import { Button, Group, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { limits } from "../api/queries";
import { texts } from "../i18n";
import { useFormat } from "../i18n/format";
import { asJpeg, type Finding } from "./imageFile";
import en from "./imageFile.en.json";
import id from "./imageFile.id.json";

const useText = texts("image-file", { en, id });

/** @param onMended gets the file that was made of it here */
export function FileFinding({
  finding,
  file,
  onMended,
}: {
  finding: Finding;
  file: File;
  onMended: (file: File) => void;
}) {
  const text = useText();
  const format = useFormat();
  const { data: known } = useQuery(limits);
  const [state, setState] = useState<"idle" | "busy" | "unreadable">("idle");
  // Some browsers read HEIC, too.
  const mendable = finding === "tooLarge" || finding === "otherFormat" || finding === "heic";
  const mend = async () => {
    setState("busy");
    try {
      onMended(await asJpeg(file, file.name));
      setState("idle");
    } catch {
      setState("unreadable");
    }
  };
  return (
    <Group gap="sm" justify="space-between">
      <Text size="sm" style={{ flex: "1 1 14rem" }}>
        {text(finding, { size: format.bytes(file.size), limit: known ? format.bytes(known.image_bytes) : "" })}
        {state === "unreadable" && ` ${text("unreadable")}`}
      </Text>
      {mendable && state !== "unreadable" && (
        <Button size="compact-sm" variant="default" loading={state === "busy"} onClick={() => void mend()}>
          {text(finding === "tooLarge" ? "mendTooLarge" : "mendOther")}
        </Button>
      )}
    </Group>
  );
}
