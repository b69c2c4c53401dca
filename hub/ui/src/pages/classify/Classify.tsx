// What a photo shows, and how to dispose of it.

import { Alert, Button, Group, Stack, Text } from "@mantine/core";
import { IconAlertTriangle, IconCamera, IconRefresh } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { limits } from "../../api/queries";
import { DropArea } from "../../components/DropArea";
import { FileFinding } from "../../components/FileFinding";
import { examine, type Finding } from "../../components/imageFile";
import { PageHead } from "../../components/states";
import styles from "./Classify.module.css";
import { Result } from "./Result";
import { useClassifyText } from "./text";
import { Webcam } from "./Webcam";

/** A photo, and what speaks against it. */
interface Photo {
  /** Tells apart two photos of the same name. */
  key: number;
  file: File;
  finding: Finding | null;
}

export function Classify() {
  const text = useClassifyText();
  const [photo, setPhoto] = useState<Photo | null>(null);
  const [webcam, setWebcam] = useState(false);
  const mostBytes = useQuery(limits).data?.image_bytes;

  const take = async (file: File) => {
    const finding = await examine(file, mostBytes);
    setPhoto((last) => ({ key: (last?.key ?? 0) + 1, file, finding }));
    setWebcam(false);
  };

  return (
    <>
      <PageHead title={text("title")} hint={text("hint")} />
      <Stack gap="md">
        {webcam ? (
          <Webcam onPhoto={(file) => void take(file)} onClose={() => setWebcam(false)} />
        ) : (
          !photo && (
            <DropArea hint={text("drop")} accept="image/*" pastes onFiles={([found]) => found && void take(found.file)}>
              <Button variant="default" leftSection={<IconCamera size={18} />} onClick={() => setWebcam(true)}>
                {text("webcam")}
              </Button>
            </DropArea>
          )
        )}
        {photo && !webcam && (
          <div className={styles.page}>
            <section className={styles.photo} aria-label={text("photo")}>
              <Preview key={photo.key} file={photo.file} />
              <Group justify="space-between" mt="sm">
                <Text size="sm" c="dimmed" truncate maw="60%">
                  {photo.file.name}
                </Text>
                <Group gap="xs">
                  <Button variant="default" leftSection={<IconCamera size={18} />} onClick={() => setWebcam(true)}>
                    {text("webcam")}
                  </Button>
                  <Button leftSection={<IconRefresh size={18} />} onClick={() => setPhoto(null)}>
                    {text("another")}
                  </Button>
                </Group>
              </Group>
            </section>
            {photo.finding ? (
              <Alert color="red" role="alert" icon={<IconAlertTriangle />} title={text("notTaken")}>
                <FileFinding finding={photo.finding} file={photo.file} onMended={(file) => void take(file)} />
              </Alert>
            ) : (
              <Result key={photo.key} photo={photo.key} file={photo.file} />
            )}
          </div>
        )}
      </Stack>
    </>
  );
}

function Preview({ file }: { file: File }) {
  const text = useClassifyText();
  const [url, setUrl] = useState<string>();
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    const made = URL.createObjectURL(file);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [file]);
  if (failed) {
    return (
      <Text c="dimmed" ta="center" p="xl">
        {text("noPreview")}
      </Text>
    );
  }
  return url && <img className={styles.preview} src={url} alt={text("photo")} onError={() => setFailed(true)} />;
}
