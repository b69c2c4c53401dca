// The choice of a file, by the mouse, the keyboard, or by dropping it.

import { Alert, Button, FileButton, Group, Paper, Stack, Text } from "@mantine/core";
import { type DragEvent, useState } from "react";
import type { RetrainText } from "./text";

const MEGABYTE = 1_000_000;

/** Why a file is not taken, or null. */
export function refusalOf(
  file: File,
  fileTypes: readonly string[],
  mostBytes: number,
  text: RetrainText,
): string | null {
  const name = file.name.toLowerCase();
  const fits = fileTypes.some((type) =>
    type.startsWith(".") ? name.endsWith(type.toLowerCase()) : file.type === type,
  );
  if (fileTypes.length > 0 && !fits) return text("wrongKind", { file: file.name, kinds: extensions(fileTypes) });
  if (file.size === 0) return text("emptyFile", { file: file.name });
  if (file.size > mostBytes) {
    const megabytes = Math.ceil(file.size / MEGABYTE);
    return text("tooLarge", { file: file.name, megabytes, most: Math.floor(mostBytes / MEGABYTE) });
  }
  return null;
}

function extensions(fileTypes: readonly string[]): string {
  return fileTypes.filter((type) => type.startsWith(".")).join(", ");
}

export function ChooseFile({
  file,
  fileTypes,
  mostBytes,
  onChoose,
  text,
}: {
  file: File | null;
  fileTypes: readonly string[];
  mostBytes: number;
  onChoose: (file: File) => void;
  text: RetrainText;
}) {
  const [refusal, setRefusal] = useState<string | null>(null);
  const [over, setOver] = useState(false);
  const take = (chosen: File | null | undefined) => {
    if (!chosen) return;
    const why = refusalOf(chosen, fileTypes, mostBytes, text);
    setRefusal(why);
    if (!why) onChoose(chosen);
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    take(event.dataTransfer.files[0]);
  };
  return (
    <Stack gap="xs">
      <Paper
        withBorder
        p="md"
        onDrop={drop}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        style={{
          borderStyle: "dashed",
          borderWidth: 2,
          borderColor: over ? "var(--mantine-primary-color-filled)" : undefined,
          background: "transparent",
        }}
      >
        <Stack align="center" gap={6}>
          {file ? (
            <Text fw={600} style={{ overflowWrap: "anywhere" }}>
              {text("chosen", { file: file.name })}
            </Text>
          ) : (
            <Text>{text("drop")}</Text>
          )}
          <FileButton onChange={take} accept={fileTypes.join(",")} inputProps={{ "aria-label": text("choose") }}>
            {(props) => (
              <Button variant={file ? "subtle" : "light"} {...props}>
                {text(file ? "other" : "choose")}
              </Button>
            )}
          </FileButton>
          <Text size="xs" c="dimmed">
            {text("kinds", { kinds: extensions(fileTypes), megabytes: Math.floor(mostBytes / MEGABYTE) })}
          </Text>
        </Stack>
      </Paper>
      {refusal && (
        <Alert color="red" role="alert">
          <Group>{refusal}</Group>
        </Alert>
      )}
    </Stack>
  );
}
