// A model from elsewhere: a whole classifier becomes a version, a backbone is for the next training.

import "@mantine/dropzone/styles.css";
import { Alert, Anchor, Group, NumberInput, Progress, Select, Stack, Text, TextInput } from "@mantine/core";
import { Dropzone } from "@mantine/dropzone";
import { IconFileImport } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { type Schemas, upload } from "../../api/client";
import { asApiError } from "../../api/problem";
import { Card } from "../../components/Card";
import { ErrorNote } from "../../components/states";
import { useClassName } from "../../i18n/classes";
import { useFormat } from "../../i18n/format";
import { useModelsText } from "./text";
import { Understood } from "./Understood";

/** The hub takes no larger file, in bytes. */
const largest = 80_000_000;

/** How networks take their pixels: the hub's names, and the key of what each means. */
const scalings = [
  ["-1..1", "pixelsSigned"],
  ["0..1", "pixelsUnit"],
  ["0..255", "pixelsBytes"],
  ["imagenet", "pixelsImagenet"],
] as const;

/** Neither name nor number: the hub finds it out, or numbers are written out. */
const found = "found";
const own = "own";

export function Import() {
  const text = useModelsText();
  const format = useFormat();
  const queries = useQueryClient();
  const [side, setSide] = useState<number | undefined>();
  const [pixels, setPixels] = useState<string>(found);
  const [numbers, setNumbers] = useState("");
  const [sent, setSent] = useState(0);
  const [tooLarge, setTooLarge] = useState<string | null>(null);
  const load = useMutation({
    mutationFn: (file: File) => {
      const form = new FormData();
      form.append("file", file, file.name);
      const query = new URLSearchParams();
      if (side) query.set("input_side", String(side));
      const scaling = pixels === own ? numbers.trim() : pixels;
      if (scaling && scaling !== found) query.set("scaling", scaling);
      return upload<Schemas["Imported"]>(`/api/v1/models/import?${query}`, form, { onProgress: setSent });
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
        <Select
          label={text("pixels")}
          description={text("pixelsHint")}
          allowDeselect={false}
          value={pixels}
          onChange={(value) => setPixels(value ?? found)}
          data={[
            { value: found, label: text("pixelsFound") },
            ...scalings.map(([value, key]) => ({ value, label: text(key) })),
            { value: own, label: text("pixelsOwn") },
          ]}
        />
        {pixels === own && (
          <TextInput
            label={text("pixelsNumbers")}
            description={text("pixelsNumbersHint")}
            value={numbers}
            onChange={(event) => setNumbers(event.currentTarget.value)}
          />
        )}
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
        {load.isError && <Failed error={load.error} />}
        {load.data && <Imported imported={load.data} />}
      </Stack>
    </Card>
  );
}

/** Why a file was not imported: a question that can be answered above, or the hub's words. */
function Failed({ error }: { error: unknown }) {
  const text = useModelsText();
  const { kind, extra } = asApiError(error);
  if (kind !== "scaling-unknown") return <ErrorNote error={error} />;
  const tried = (Array.isArray(extra.tried) ? extra.tried : []) as Schemas["Tried"][];
  return (
    <Alert color="yellow" role="alert" title={text("pixelsAsked")}>
      <Text size="sm">{text("pixelsAskedHint")}</Text>
      {tried.map(({ scaling, right }) => (
        <Text size="sm" key={scaling}>
          {text("triedEach", { scaling, right })}
        </Text>
      ))}
    </Alert>
  );
}

function Imported({ imported }: { imported: Schemas["Imported"] }) {
  const text = useModelsText();
  const name = useClassName();
  if (imported.kind === "backbone") {
    return (
      <Alert color="leaf" role="status" title={text("importedBackbone", { name: imported.backbone.name })}>
        {text("importedBackboneHint")}
        <Understood input={imported.understood} />
      </Alert>
    );
  }
  return (
    <Alert color="leaf" role="status" title={text("importedModel", { version: imported.model })}>
      <Text size="sm">{imported.labels.map(name).join(", ")}</Text>
      {imported.renamed.map(({ written, label }) => (
        <Text size="sm" key={label}>
          {text("renamedClass", { written, label })}
        </Text>
      ))}
      <Understood input={imported.understood} />
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
