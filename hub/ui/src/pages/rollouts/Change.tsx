// Another version for all bins: the one before, or any other.

import { Alert, Group, NativeSelect, Stack, Text } from "@mantine/core";
import { IconArrowBackUp } from "@tabler/icons-react";
import { useState } from "react";
import type { Schemas } from "../../api/client";
import { Card } from "../../components/Card";
import { Activate } from "../../components/model/Activate";
import { tagsOf } from "../../components/model/Tags";
import { useModelText } from "../../components/model/text";
import { useFormat } from "../../i18n/format";
import { useRolloutsText } from "./text";

export function Change({ list }: { list: Schemas["ModelList"] }) {
  const text = useRolloutsText();
  const words = useModelText();
  const format = useFormat();
  const [chosen, setChosen] = useState("");
  const others = list.models.filter((model) => model.version !== list.in_service);
  const previous = others.find((model) => model.tags.includes("previous"));
  const model = others.find((each) => each.version === chosen);
  const inWords = (each: Schemas["ModelView"]) =>
    [
      each.version,
      typeof each.accuracy === "number" ? format.finePercent(each.accuracy) : null,
      tagsOf(each)
        .map((tag) => words(tag))
        .join(", "),
    ]
      .filter(Boolean)
      .join(" · ");
  if (others.length === 0) {
    return (
      <Card title={text("change")}>
        <Text size="sm">{text("noOther")}</Text>
      </Card>
    );
  }
  return (
    <Card title={text("change")} hint={text("changeHint")}>
      <Stack>
        <Group align="flex-end">
          <NativeSelect
            flex={1}
            miw={220}
            label={text("another")}
            value={chosen}
            onChange={(event) => setChosen(event.currentTarget.value)}
            data={[
              { value: "", label: text("choose") },
              ...others.map((each) => ({ value: each.version, label: inWords(each) })),
            ]}
          />
          {model && <Activate model={model} />}
        </Group>
        {previous && (
          <Alert color="blue" py="xs">
            <Group justify="space-between">
              <Text size="sm">{text("before", { version: previous.version })}</Text>
              <Activate model={previous} variant="default" size="sm" leftSection={<IconArrowBackUp size={16} />}>
                {text("goBack")}
              </Activate>
            </Group>
          </Alert>
        )}
      </Stack>
    </Card>
  );
}
