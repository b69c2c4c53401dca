// A model from elsewhere: a whole classifier becomes a version, a backbone is for the next training.

import "@mantine/dropzone/styles.css";
import { Alert, Anchor, Group, NumberInput, Progress, Stack, Text } from "@mantine/core";
import { Dropzone } from "@mantine/dropzone";
import { IconFileImport } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { type Schemas, upload } from "../../api/client";
import { Card } from "../../components/Card";
import { ErrorNote } from "../../components/states";
import { useClassName } from "../../i18n/classes";
import { useFormat } from "../../i18n/format";
import { useModelsText } from "./text";

/** The hub takes no larger file, in bytes. */
const largest = 80_000_000;

export function Import() {
  const text = useModelsText();
  const format = useFormat();
  const queries = useQueryClient();
  const [side, setSide] = useState<number | undefined>();
  const [sent, setSent] = useState(0);
  const [tooLarge, setTooLarge] = useState<string | null>(null);
  const load = useMutation({
    mutationFn: (file: File) => {
      const form = new FormData();
      form.append("file", file, file.name);
      const query = side ? `?input_side=${side}` : "";
      return upload<Schemas["Imported"]>(`/api/v1/models/import${query}`, form, { onProgress: setSent });
    },
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ["models"] });
      void queries.invalidateQueries({ queryKey: ["backbones"] });
    },
  });
  const take = (file: File | undefined) => {
    if (!file) return;
    load.reset();
    setTooLarge(file.size > largest ? file.name : null);
    if (file.size > largest) return;
    setSent(0);
    load.mutate(file);
  };
  return (
    <Card title={text("import")} hint={text("importHint")}>
      <Stack>
        <Dropzone
          onDrop={(files) => take(files[0])}
          multiple={false}
          p="md"
          disabled={load.isPending}
          aria-label={text("importFile")}
        >
          <Group gap="sm" wrap="nowrap">
            <IconFileImport />
            <div>
              <Text size="sm" fw={600}>
                {text("importFile")}
              </Text>
              <Text size="xs" c="dimmed">
                {text("importKinds", { largest: format.bytes(largest) })}
              </Text>
            </div>
          </Group>
        </Dropzone>
        <NumberInput
          label={text("inputSide")}
          description={text("inputSideHint")}
          value={side ?? ""}
          min={16}
          max={1024}
          allowDecimal={false}
          onChange={(value) => setSide(typeof value === "number" ? value : undefined)}
        />
        {load.isPending && (
          <div role="status">
            <Progress value={100 * sent} animated={sent >= 1} aria-label={text("sending")} />
            <Text size="sm">{text(sent < 1 ? "sending" : "checking")}</Text>
          </div>
        )}
        {tooLarge && (
          <Alert color="red" role="alert">
            {text("tooLarge", { name: tooLarge, largest: format.bytes(largest) })}
          </Alert>
        )}
        {load.isError && <ErrorNote error={load.error} />}
        {load.data && <Imported imported={load.data} />}
      </Stack>
    </Card>
  );
}

function Imported({ imported }: { imported: Schemas["Imported"] }) {
  const text = useModelsText();
  const name = useClassName();
  if (imported.kind === "backbone") {
    return (
      <Alert color="leaf" role="status" title={text("importedBackbone", { name: imported.backbone.name })}>
        {text("importedBackboneHint")}
      </Alert>
    );
  }
  return (
    <Alert color="leaf" role="status" title={text("importedModel", { version: imported.model })}>
      <Text size="sm">{imported.labels.map(name).join(", ")}</Text>
      <Text size="sm">
        {text(imported.gate ? (imported.gate.passed ? "importPassed" : "importRefused") : "importUnjudged")}
      </Text>
      <Anchor
        component={Link}
        to="/models/$version"
        params={{ version: imported.model } as never}
        fz="sm"
        underline="always"
      >
        {text("openVersion")}
      </Anchor>
    </Alert>
  );
}
