// Starts a training: on all labelled images, with sane defaults and every parameter explained.

import { Accordion, Button, Checkbox, Group, NumberInput, SimpleGrid, Stack, Switch, Text } from "@mantine/core";
import { IconPlayerPlay } from "@tabler/icons-react";
import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, type Schemas, unwrap } from "../../api/client";
import { asApiError } from "../../api/problem";
import { classes, trainingStatus } from "../../api/queries";
import { Card } from "../../components/Card";
import { ErrorNote } from "../../components/states";
import { useClassName } from "../../i18n/classes";
import { useFormat } from "../../i18n/format";
import {
  defaultOf,
  fields,
  isWithin,
  type Known,
  knownOf,
  type NumberField,
  type NumberName,
  nothingTyped,
  outOfRange,
  paramsOf,
  type Typed,
} from "./parameters";
import { useTrainText } from "./text";

/** What a training can be told changes with the hub's program alone. */
const parameters = queryOptions({
  queryKey: ["training-parameters"],
  queryFn: () => unwrap(api.GET("/api/v1/trainings/parameters")),
  staleTime: Number.POSITIVE_INFINITY,
});

export function Start() {
  const text = useTrainText();
  const format = useFormat();
  const rangeError = useRangeError();
  const queries = useQueryClient();
  const [typed, setTyped] = useState<Typed>(nothingTyped);
  const known = useQuery(classes).data?.classes ?? [];
  const told = useQuery(parameters).data;
  const ranges = told?.parameters ?? [];
  const refused = outOfRange(ranges, typed);
  const labelled = known.filter((each) => each.images > 0);
  const images = labelled.reduce((sum, each) => sum + each.images, 0);
  const start = useMutation({
    mutationFn: () =>
      unwrap(
        api.POST("/api/train", {
          // The document calls what has a default required.
          body: paramsOf(
            typed,
            labelled.map((each) => each.label),
          ) as Schemas["TrainParams"],
        }),
      ),
    onSettled: () => {
      void queries.invalidateQueries({ queryKey: trainingStatus.queryKey });
      void queries.invalidateQueries({ queryKey: ["trainings"] });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (refused.length === 0) start.mutate();
  };
  const setNumber = (name: NumberName, value: number | undefined) =>
    setTyped((before) => ({ ...before, numbers: withNumber(before.numbers, name, value) }));
  const field = (field: NumberField) => (
    <ParameterField
      key={field.name}
      field={field}
      known={knownOf(ranges, field.name)}
      typed={typed}
      onChange={(value) => setNumber(field.name, value)}
    />
  );

  return (
    <Card title={text("start")} hint={text("startHint", { images: format.number(images), count: labelled.length })}>
      <form onSubmit={submit}>
        <Stack>
          <Accordion variant="contained" chevronPosition="left" multiple>
            <Accordion.Item value="usual">
              <Accordion.Control>{text("parameters")}</Accordion.Control>
              <Accordion.Panel>
                <Stack>
                  <Classes
                    typed={typed}
                    known={labelled}
                    least={told?.least_images}
                    onChange={(without) => setTyped({ ...typed, without })}
                  />
                  <SimpleGrid cols={{ base: 1, sm: 2 }}>
                    <NumberInput
                      label={text("contamination")}
                      description={text("contaminationHint")}
                      placeholder={text("contaminationDefault")}
                      value={typed.contamination ?? ""}
                      error={rangeError(knownOf(ranges, "accepted_contamination"), share(typed.contamination), 100)}
                      clampBehavior="none"
                      step={1}
                      decimalScale={1}
                      suffix=" %"
                      onChange={(value) => setTyped({ ...typed, contamination: numberOf(value) })}
                    />
                    {fields.usual.map(field)}
                  </SimpleGrid>
                  <Switch
                    label={text("classWeights")}
                    description={text("classWeightsHint")}
                    checked={typed.classWeights}
                    onChange={(event) => setTyped({ ...typed, classWeights: event.currentTarget.checked })}
                  />
                </Stack>
              </Accordion.Panel>
            </Accordion.Item>
            <Accordion.Item value="more">
              <Accordion.Control>{text("moreParameters")}</Accordion.Control>
              <Accordion.Panel>
                <SimpleGrid cols={{ base: 1, sm: 2 }}>{fields.more.map(field)}</SimpleGrid>
              </Accordion.Panel>
            </Accordion.Item>
          </Accordion>
          {start.isError && (
            <ErrorNote
              error={start.error}
              title={text(asApiError(start.error).kind === "too-little-data" ? "tooLittle" : "notStarted")}
            />
          )}
          <Group>
            <Button
              type="submit"
              size="md"
              loading={start.isPending}
              disabled={refused.length > 0}
              leftSection={<IconPlayerPlay size={18} />}
            >
              {text("startNow")}
            </Button>
            {typed !== nothingTyped && (
              <Button variant="subtle" onClick={() => setTyped(nothingTyped)}>
                {text("defaults")}
              </Button>
            )}
          </Group>
          <Text size="xs" c="dimmed">
            {text("startNote")}
          </Text>
        </Stack>
      </form>
    </Card>
  );
}

function Classes({
  typed,
  known,
  least,
  onChange,
}: {
  typed: Typed;
  known: { label: string; images: number }[];
  /** How many images a class needs. */
  least: number | undefined;
  onChange: (without: readonly string[]) => void;
}) {
  const text = useTrainText();
  const name = useClassName();
  const format = useFormat();
  return (
    <Checkbox.Group
      label={text("classes")}
      description={least === undefined ? undefined : text("classesHint", { least })}
      value={known.map((each) => each.label).filter((label) => !typed.without.includes(label))}
      onChange={(chosen) => onChange(known.map((each) => each.label).filter((label) => !chosen.includes(label)))}
    >
      <Group mt="xs" gap="md">
        {known.map((each) => (
          <Checkbox key={each.label} value={each.label} label={`${name(each.label)} (${format.number(each.images)})`} />
        ))}
      </Group>
    </Checkbox.Group>
  );
}

function ParameterField({
  field,
  known,
  typed,
  onChange,
}: {
  field: NumberField;
  /** What the hub says of it. */
  known: Known | undefined;
  typed: Typed;
  onChange: (value: number | undefined) => void;
}) {
  const text = useTrainText();
  const rangeError = useRangeError();
  const value = typed.numbers[field.name];
  const otherwise = known ? defaultOf(known, typed) : null;
  return (
    <NumberInput
      label={text(field.name)}
      description={text(`${field.name}Hint`)}
      placeholder={otherwise === null ? undefined : text("default", { value: String(otherwise) })}
      value={value ?? ""}
      error={rangeError(known, value)}
      clampBehavior="none"
      step={field.step}
      allowDecimal={known?.whole !== true}
      onChange={(typed) => onChange(numberOf(typed))}
    />
  );
}

/** Says what a value may be, if it may not be what it is; `scale` is what the page shows of 1. */
function useRangeError(): (known: Known | undefined, value: number | undefined, scale?: number) => string | undefined {
  const text = useTrainText();
  return (known, value, scale = 1) => {
    if (!known || value === undefined || isWithin(known, value)) return undefined;
    const least = String(known.minimum * scale);
    const most = String((known.maximum ?? Number.MAX_SAFE_INTEGER) * scale);
    return text(known.above_minimum ? "outOfRangeAbove" : "outOfRange", { least, most });
  };
}

const share = (percent: number | undefined): number | undefined => (percent === undefined ? undefined : percent / 100);

const numberOf = (value: number | string): number | undefined => (typeof value === "number" ? value : undefined);

function withNumber(before: Typed["numbers"], name: NumberName, value: number | undefined): Typed["numbers"] {
  const after = { ...before };
  if (value === undefined) delete after[name];
  else after[name] = value;
  return after;
}
