// One sample, large: what is known of it, what looks like it, and another label for those who may give one.

import { ActionIcon, Box, Group, Modal, SimpleGrid, Stack, Text } from "@mantine/core";
import { useHotkeys } from "@mantine/hooks";
import { IconChevronLeft, IconChevronRight } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { api, unwrap } from "../../api/client";
import { useMay } from "../../api/queries";
import { useClassName } from "../../i18n/classes";
import { ConfidenceBars } from "../ConfidenceBars";
import { SampleImage } from "../SampleImage";
import { ErrorNote } from "../states";
import type { Shown } from "./Gallery";
import { Known } from "./Known";
import { LabelHistory } from "./LabelHistory";
import { Relabel } from "./Relabel";
import { Similar } from "./Similar";
import { useSampleText } from "./text";

/** @param onStep shows the one before (−1) or after (1) */
export function SampleDialog({
  shown,
  onClose,
  onOpen,
  onStep,
}: {
  shown: Shown;
  onClose: () => void;
  onOpen: (shown: Shown) => void;
  onStep?: (by: number) => void;
}) {
  const text = useSampleText();
  const name = useClassName();
  const reviewer = useMay("reviewer");
  const found = useQuery({
    queryKey: ["sample", shown.id],
    queryFn: () => unwrap(api.GET("/api/v1/samples/{id}", { params: { path: { id: shown.id } } })),
  });
  const sample = found.data?.sample ?? shown.sample;
  const label = sample ? sample.label : shown.label;
  useHotkeys([
    ["ArrowLeft", () => onStep?.(-1)],
    ["ArrowRight", () => onStep?.(1)],
  ]);
  const probabilities = sample?.probabilities as Record<string, number> | null | undefined;

  return (
    <Modal
      opened
      onClose={onClose}
      size="72rem"
      title={text("title")}
      closeButtonProps={{ "aria-label": text("close") }}
    >
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="md">
        <Stack gap="xs">
          <Box h={{ base: 240, sm: 380 }}>
            <SampleImage key={shown.id} sample={shown.id} label={label ? name(label) : undefined} eager />
          </Box>
          {onStep && (
            <Group justify="space-between" wrap="nowrap">
              <ActionIcon variant="default" size="lg" aria-label={text("before")} onClick={() => onStep(-1)}>
                <IconChevronLeft size={20} />
              </ActionIcon>
              <Text size="xs" c="dimmed" visibleFrom="sm">
                {text("arrows")}
              </Text>
              <ActionIcon variant="default" size="lg" aria-label={text("after")} onClick={() => onStep(1)}>
                <IconChevronRight size={20} />
              </ActionIcon>
            </Group>
          )}
        </Stack>
        <Stack gap="md">
          {shown.note}
          {sample && <Known sample={sample} />}
          {found.isError && <ErrorNote error={found.error} retry={() => void found.refetch()} />}
          {probabilities && <ConfidenceBars probabilities={probabilities} />}
          {reviewer && <Relabel id={shown.id} label={label ?? null} />}
          {found.data && <LabelHistory changes={found.data.history} />}
        </Stack>
      </SimpleGrid>
      <Similar id={shown.id} onOpen={onOpen} />
    </Modal>
  );
}
