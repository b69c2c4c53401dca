// What the hub refused, with its reason and a way on.

import { Alert, Button, Group, Stack, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { SampleImage } from "../../components/SampleImage";
import { problemText, useStatesText } from "../../components/states";
import { useClassName } from "../../i18n/classes";
import type { Failure, Task } from "./desk";
import type { DeskStore } from "./deskStore";
import styles from "./Review.module.css";
import { useReviewText } from "./text";

export function Failures({ failed, store }: { failed: readonly Failure[]; store: DeskStore }) {
  const text = useReviewText();
  const states = useStatesText();
  const said = useSaid();
  if (failed.length === 0) return null;
  return (
    <Alert color="red" role="alert" icon={<IconAlertTriangle />} title={text("refused")} mb="md">
      <Stack gap="sm">
        {failed.map(({ task, problem }) => (
          <Group key={task.key} gap="sm" wrap="nowrap" align="flex-start">
            <div className={styles.failedImage}>
              <SampleImage sample={task.item.sample.id} />
            </div>
            <Stack gap={4} style={{ flex: 1, minWidth: 0 }}>
              <Text size="sm">
                <b>{said(task)}</b>: {problemText(states, problem)}
              </Text>
              <Group gap="xs">
                {task.said !== "undo" && (
                  <>
                    <Button size="compact-sm" variant="default" onClick={() => store.lookAgain(task.key)}>
                      {text("lookAgain")}
                    </Button>
                    <Button size="compact-sm" variant="default" onClick={() => store.sendAgain(task.key)}>
                      {text("sendAgain")}
                    </Button>
                  </>
                )}
                <Button size="compact-sm" variant="subtle" color="gray" onClick={() => store.dismiss(task.key)}>
                  {text("dismiss")}
                </Button>
              </Group>
            </Stack>
          </Group>
        ))}
      </Stack>
    </Alert>
  );
}

/** Gives what was said, in words. */
export function useSaid(): (task: Pick<Task, "said">) => string {
  const text = useReviewText();
  const name = useClassName();
  return ({ said }) => {
    if (said === "undo") return text("undo");
    if (said.action === "label") return name(said.label);
    if (said.action === "unusable") return `${text("unusable")} (${text(said.reason)})`;
    return text(said.action === "skip" ? "skip" : "secondOpinion");
  };
}
