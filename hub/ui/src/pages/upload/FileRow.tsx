// One file: its picture, what it shows, how far it is, and what became of it.

import { ActionIcon, Group, Progress, Select, Stack, Text } from "@mantine/core";
import {
  IconAlertTriangle,
  IconCheck,
  IconClock,
  IconCopyCheck,
  IconHandStop,
  IconTrash,
  IconUpload,
} from "@tabler/icons-react";
import { type ComponentType, memo, useEffect, useState } from "react";
import { FileFinding } from "../../components/FileFinding";
import { useFormat } from "../../i18n/format";
import type { Entry, Status } from "./batch";
import * as batch from "./batch";
import { useUploadText } from "./text";
import styles from "./Upload.module.css";
import type { Uploader } from "./uploader";

const icons: Record<Status, ComponentType<{ size?: number }>> = {
  held: IconHandStop,
  ready: IconClock,
  sending: IconUpload,
  stored: IconCheck,
  duplicate: IconCopyCheck,
  refused: IconAlertTriangle,
  failed: IconAlertTriangle,
};

export interface FileRowProps {
  entry: Entry;
  options: { value: string; label: string }[];
  uploader: Uploader;
}

export const FileRow = memo(function FileRow({ entry, options, uploader }: FileRowProps) {
  const text = useUploadText();
  const format = useFormat();
  const Icon = icons[entry.status];
  const isTrouble = entry.status === "refused" || entry.status === "failed";
  const isOpen = entry.status === "held" || entry.status === "ready";
  const change = (next: (now: batch.Batch) => batch.Batch) => uploader.change(next(uploader.snapshot()));
  return (
    <li className={styles.row} data-status={entry.status}>
      <Thumbnail file={entry.file} />
      <Stack gap={2} className={styles.what}>
        <Text size="sm" fw={600} truncate title={entry.path}>
          {entry.path}
        </Text>
        <Group gap={6} wrap="nowrap">
          <Icon size={16} />
          <Text size="xs" c={isTrouble ? "var(--mantine-color-error)" : "dimmed"}>
            {text(entry.status === "held" && entry.label === null && !entry.finding ? "noLabel" : entry.status)}
            {` · ${format.bytes(entry.file.size)}`}
          </Text>
        </Group>
        {entry.words && <Text size="xs">{entry.words}</Text>}
        {entry.finding && isOpen && (
          <FileFinding
            finding={entry.finding}
            file={entry.file}
            onMended={(file) => change((now) => batch.mended(now, entry.key, file))}
          />
        )}
        {entry.status === "sending" && (
          <Progress
            value={entry.progress * 100}
            size="sm"
            animated={entry.progress === 1}
            aria-label={text("progressOf", { file: entry.path })}
          />
        )}
      </Stack>
      <Select
        className={styles.label}
        size="xs"
        aria-label={text("labelOf", { file: entry.path })}
        placeholder={text("chooseClass")}
        data={options}
        value={entry.label}
        disabled={!isOpen}
        onChange={(label) => change((now) => batch.labelled(now, entry.key, label))}
      />
      <ActionIcon
        variant="subtle"
        color="gray"
        aria-label={text("remove", { file: entry.path })}
        disabled={entry.status === "sending"}
        onClick={() => change((now) => batch.removed(now, new Set([entry.key])))}
      >
        <IconTrash size={18} />
      </ActionIcon>
    </li>
  );
});

function Thumbnail({ file }: { file: File }) {
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    const made = URL.createObjectURL(file);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [file]);
  return (
    <div className={styles.thumbnail}>
      {url && <img src={url} alt="" loading="lazy" onError={(event) => event.currentTarget.remove()} />}
    </div>
  );
}
