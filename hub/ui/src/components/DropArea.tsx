// Where files are dropped, pasted or chosen; folders, too.

import { Button, Group, Stack, Text } from "@mantine/core";
import { IconFolder, IconPhotoPlus } from "@tabler/icons-react";
import { type DragEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { texts } from "../i18n";
import en from "./DropArea.en.json";
import id from "./DropArea.id.json";
import styles from "./DropArea.module.css";
import { type Found, filesOf } from "./droppedFiles";

const useText = texts("drop-area", { en, id });

export interface DropAreaProps {
  hint: string;
  /** As in `<input accept>`. */
  accept: string;
  multiple?: boolean;
  /** Whether whole folders can be chosen. */
  folders?: boolean;
  /** Whether what is pasted anywhere on the page comes here. */
  pastes?: boolean;
  onFiles: (files: Found[]) => void;
  /** Further buttons. */
  children?: ReactNode;
}

export function DropArea({ hint, accept, multiple, folders, pastes, onFiles, children }: DropAreaProps) {
  const text = useText();
  const chooser = useRef<HTMLInputElement>(null);
  const folderChooser = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const latest = useRef(onFiles);
  latest.current = onFiles;

  useEffect(() => {
    if (!pastes) return;
    const paste = (event: ClipboardEvent) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (files.length === 0) return;
      event.preventDefault();
      latest.current(files.map((file) => ({ file, path: file.name })));
    };
    document.addEventListener("paste", paste);
    return () => document.removeEventListener("paste", paste);
  }, [pastes]);

  const drop = async (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    const found = await filesOf(event.dataTransfer);
    if (found.length > 0) onFiles(multiple ? found : found.slice(0, 1));
  };
  const choose = (input: HTMLInputElement) => {
    const found = [...(input.files ?? [])].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
    input.value = "";
    if (found.length > 0) onFiles(found);
  };

  return (
    <section
      className={styles.area}
      data-over={over || undefined}
      aria-label={text("label")}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => void drop(event)}
    >
      <Stack align="center" gap="sm">
        <IconPhotoPlus size={40} stroke={1.3} aria-hidden />
        <Text ta="center" maw={420}>
          {hint}
        </Text>
        <Group justify="center" gap="xs">
          <Button onClick={() => chooser.current?.click()}>{text(multiple ? "chooseFiles" : "chooseFile")}</Button>
          {folders && (
            <Button
              variant="default"
              leftSection={<IconFolder size={18} />}
              onClick={() => folderChooser.current?.click()}
            >
              {text("chooseFolder")}
            </Button>
          )}
          {children}
        </Group>
      </Stack>
      <input
        ref={chooser}
        type="file"
        hidden
        accept={accept}
        multiple={multiple}
        data-testid="files"
        onChange={(event) => choose(event.currentTarget)}
      />
      {folders && (
        <input
          ref={(input) => {
            folderChooser.current = input;
            input?.setAttribute("webkitdirectory", "");
          }}
          type="file"
          hidden
          multiple
          onChange={(event) => choose(event.currentTarget)}
        />
      )}
    </section>
  );
}
