// The image of a sample, or what stands in its place when it cannot be read.

import { Center, Text } from "@mantine/core";
import { useState } from "react";
import { imageOf } from "../api/queries";
import { texts } from "../i18n";
import en from "./SampleImage.en.json";
import id from "./SampleImage.id.json";

const useText = texts("sample-image", { en, id });

/** @param label what is known of it, for those who cannot see it */
export function SampleImage({ sample, label, eager = false }: { sample: string; label?: string; eager?: boolean }) {
  const text = useText();
  const [failed, setFailed] = useState<string | null>(null);
  if (failed === sample) {
    return (
      <Center className="sample-image" mih={80}>
        <Text size="xs" c="dimmed">
          {text("unreadable")}
        </Text>
      </Center>
    );
  }
  return (
    <img
      className="sample-image"
      src={imageOf(sample)}
      alt={label ? text("of", { label }) : text("unlabelled")}
      loading={eager ? "eager" : "lazy"}
      decoding="async"
      draggable={false}
      onError={() => setFailed(sample)}
    />
  );
}
