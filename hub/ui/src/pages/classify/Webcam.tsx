// A photo from the camera of this device; when that is refused or missing, why, and the way by file.

import { Alert, Button, Group, Loader, Text } from "@mantine/core";
import { IconCamera, IconCameraOff } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";
import styles from "./Classify.module.css";
import { useClassifyText } from "./text";

/** Why there is no picture, by its key in the catalogues. */
export type CameraTrouble = "refused" | "missing" | "busy" | "insecure" | "failed";

/** What a browser's refusal means. */
export function troubleOf(error: unknown): CameraTrouble {
  const name = error instanceof Error || error instanceof DOMException ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") return "refused";
  if (name === "NotFoundError" || name === "OverconstrainedError") return "missing";
  if (name === "NotReadableError" || name === "AbortError") return "busy";
  return "failed";
}

export function Webcam({ onPhoto, onClose }: { onPhoto: (file: File) => void; onClose: () => void }) {
  const text = useClassifyText();
  const video = useRef<HTMLVideoElement>(null);
  const fromPhone = useRef<HTMLInputElement>(null);
  const [state, setState] = useState<"opening" | "open" | CameraTrouble>("opening");

  useEffect(() => {
    if (!navigator.mediaDevices?.getUserMedia) return setState("insecure");
    let stream: MediaStream | undefined;
    let closed = false;
    const stop = () => {
      for (const track of stream?.getTracks() ?? []) track.stop();
    };
    navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1280 } } }).then(
      (opened) => {
        stream = opened;
        if (closed) return stop();
        if (video.current) video.current.srcObject = opened;
      },
      (error: unknown) => !closed && setState(troubleOf(error)),
    );
    return () => {
      closed = true;
      stop();
    };
  }, []);

  const shoot = () => {
    const from = video.current;
    if (!from || from.videoWidth === 0) return;
    const canvas = document.createElement("canvas");
    canvas.width = from.videoWidth;
    canvas.height = from.videoHeight;
    canvas.getContext("2d")?.drawImage(from, 0, 0);
    canvas.toBlob(
      (blob) => blob && onPhoto(new File([blob], "webcam.jpg", { type: "image/jpeg" })),
      "image/jpeg",
      0.92,
    );
  };

  const inTrouble = state !== "opening" && state !== "open";
  return (
    <section className={styles.camera} aria-label={text("webcam")}>
      {inTrouble ? (
        <Alert color="yellow" role="alert" icon={<IconCameraOff />} title={text("noCamera")} mb="sm">
          <Text size="sm">
            {text(state)} {text("otherWay")}
          </Text>
        </Alert>
      ) : (
        <>
          {state === "opening" && (
            <Group gap="xs" mb="sm" role="status">
              <Loader size="sm" /> <Text size="sm">{text("opening")}</Text>
            </Group>
          )}
          <video
            ref={video}
            className={styles.video}
            autoPlay
            playsInline
            muted
            aria-label={text("live")}
            // There is nothing to take before the first picture.
            onLoadedData={() => setState("open")}
          />
        </>
      )}
      <Group justify="space-between" mt="sm">
        <Button variant="default" onClick={onClose}>
          {text("back")}
        </Button>
        {inTrouble ? (
          <Button onClick={() => fromPhone.current?.click()}>{text("fromFile")}</Button>
        ) : (
          <Button leftSection={<IconCamera size={18} />} disabled={state !== "open"} onClick={shoot}>
            {text("shoot")}
          </Button>
        )}
      </Group>
      <input
        ref={fromPhone}
        type="file"
        hidden
        accept="image/*"
        capture="environment"
        onChange={(event) => {
          const [file] = event.currentTarget.files ?? [];
          if (file) onPhoto(file);
        }}
      />
    </section>
  );
}
