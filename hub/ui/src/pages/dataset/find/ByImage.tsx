// Samples that look like an image, which is dropped, pasted or chosen, and not kept.

import "@mantine/dropzone/styles.css";
import { Alert, Button, Group, Image, Progress, Text } from "@mantine/core";
import { Dropzone } from "@mantine/dropzone";
import { useWindowEvent } from "@mantine/hooks";
import { IconPhotoSearch } from "@tabler/icons-react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { type Schemas, upload } from "../../../api/client";
import { limits } from "../../../api/queries";
import { ClassBadge } from "../../../components/ClassBadge";
import { FileFinding } from "../../../components/FileFinding";
import { examine, type Finding } from "../../../components/imageFile";
import type { Shown } from "../../../components/sample/Gallery";
import { SimilarShare } from "../../../components/sample/Similar";
import { ErrorNote } from "../../../components/states";
import { useDatasetText } from "../text";

const count = 48;

/** @param onFound gets the samples, the most alike first, or `null` when the image is taken away */
export function ByImage({ onFound }: { onFound: (found: Shown[] | null) => void }) {
  const text = useDatasetText();
  const [image, setImage] = useState<string | null>(null);
  const [sent, setSent] = useState(0);
  const mostBytes = useQuery(limits).data?.image_bytes;
  const [refused, setRefused] = useState<{ file: File; finding: Finding } | null>(null);
  const search = useMutation({
    mutationFn: (file: File) => {
      const form = new FormData();
      form.append("image", file);
      return upload<Schemas["SimilarList"]>(`/api/v1/search/similar?count=${count}`, form, { onProgress: setSent });
    },
    onSuccess: ({ samples }) => onFound(samples.map(shownOf)),
  });
  useEffect(() => () => (image ? URL.revokeObjectURL(image) : undefined), [image]);

  const take = async (file: File | null | undefined) => {
    if (!file) return;
    const finding = await examine(file, mostBytes);
    search.reset();
    onFound(null);
    setRefused(finding ? { file, finding } : null);
    setImage(finding ? null : URL.createObjectURL(file));
    setSent(0);
    if (!finding) search.mutate(file);
  };
  const away = () => {
    setImage(null);
    setRefused(null);
    search.reset();
    onFound(null);
  };
  useWindowEvent("paste", (event) => {
    const pasted = [...(event.clipboardData?.files ?? [])].find((file) => file.type.startsWith("image/"));
    if (pasted) void take(pasted);
  });

  return (
    <div>
      <Dropzone
        onDrop={(files) => void take(files[0])}
        multiple={false}
        p="sm"
        loading={false}
        aria-label={text("byImage")}
      >
        <Group gap="sm" wrap="nowrap">
          {image ? <Image src={image} alt={text("yourImage")} h={64} w="auto" radius="sm" /> : <IconPhotoSearch />}
          <div>
            <Text size="sm" fw={600}>
              {text("byImage")}
            </Text>
            <Text size="xs" c="dimmed">
              {text("byImageHint")}
            </Text>
          </div>
        </Group>
      </Dropzone>
      {search.isPending && <Progress value={100 * sent} animated={sent >= 1} mt="xs" aria-label={text("sending")} />}
      {refused && (
        <Alert color="red" role="alert" mt="xs">
          <FileFinding finding={refused.finding} file={refused.file} onMended={(file) => void take(file)} />
        </Alert>
      )}
      {search.isError && (
        <div style={{ marginTop: 8 }}>
          <ErrorNote error={search.error} />
        </div>
      )}
      {image && (
        <Group mt="xs" justify="space-between">
          <Text size="sm" c="dimmed" role="status">
            {search.isSuccess ? text("alikeFirst") : ""}
          </Text>
          <Button size="compact-sm" variant="default" onClick={away}>
            {text("imageAway")}
          </Button>
        </Group>
      )}
    </div>
  );
}

function shownOf({ sample, similarity }: Schemas["SimilarSample"]): Shown {
  return {
    id: sample.id,
    label: sample.label,
    sample,
    caption: (
      <>
        {sample.label && <ClassBadge label={sample.label} size="sm" />}
        <SimilarShare similarity={similarity} />
      </>
    ),
  };
}
