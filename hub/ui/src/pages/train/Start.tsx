// Starts a training: on all labelled images, with sane defaults and every parameter explained.

import { Accordion, Button, Checkbox, Group, NumberInput, SimpleGrid, Stack, Switch, Text } from "@mantine/core";
import { IconPlayerPlay } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, type Schemas, unwrap } from "../../api/client";
import { asApiError } from "../../api/problem";
import { classes, trainingStatus } from "../../api/queries";
import { Card } from "../../components/Card";
import { ErrorNote } from "../../components/states";
import { useClassName } from "../../i18n/classes";
import { useFormat } from "../../i18n/format";
import { defaultOf, type NumberParameter, nothingTyped, numbers, paramsOf, type Typed } from "./parameters";
import { useTrainText } from "./text";

/** A class with fewer images cannot be trained. */
const leastImages = 5;

export function Start() {
  const text = useTrainText();
  const format = useFormat();
  const queries = useQueryClient();
  const [typed, setTyped] = useState<Typed>(nothingTyped);
  const known = useQuery(classes).data?.classes ?? [];
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
    start.mutate();
  };
  const setNumber = (name: NumberParameter["name"], value: number | undefined) =>
    setTyped((before) => ({ ...before, numbers: withNumber(before.numbers, name, value) }));
  const field = (parameter: NumberParameter) => (
    <ParameterField
      key={parameter.name}
      parameter={parameter}
      value={typed.numbers[parameter.name]}
      otherwise={defaultOf(parameter, typed)}
      onChange={(value) => setNumber(parameter.name, value)}
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
                  <Classes typed={typed} known={labelled} onChange={(without) => setTyped({ ...typed, without })} />
                  <SimpleGrid cols={{ base: 1, sm: 2 }}>
                    <NumberInput
                      label={text("contamination")}
                      description={text("contaminationHint")}
                      placeholder={text("contaminationDefault")}
                      value={typed.contamination ?? ""}
                      min={0.1}
                      max={100}
                      step={1}
                      decimalScale={1}
                      suffix=" %"
                      onChange={(value) => setTyped({ ...typed, contamination: numberOf(value) })}
                    />
                    {numbers.usual.map(field)}
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
                <SimpleGrid cols={{ base: 1, sm: 2 }}>{numbers.more.map(field)}</SimpleGrid>
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
            <Button type="submit" size="md" loading={start.isPending} leftSection={<IconPlayerPlay size={18} />}>
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
  onChange,
}: {
  typed: Typed;
  known: { label: string; images: number }[];
  onChange: (without: readonly string[]) => void;
}) {
  const text = useTrainText();
  const name = useClassName();
  const format = useFormat();
  return (
    <Checkbox.Group
      label={text("classes")}
      description={text("classesHint", { least: leastImages })}
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
  parameter,
  value,
  otherwise,
  onChange,
}: {
  parameter: NumberParameter;
  value: number | undefined;
  otherwise: number;
  onChange: (value: number | undefined) => void;
}) {
  const text = useTrainText();
  return (
    <NumberInput
      label={text(parameter.name)}
      description={text(`${parameter.name}Hint`)}
      placeholder={text("default", { value: String(otherwise) })}
      value={value ?? ""}
      min={parameter.min}
      max={parameter.max}
      step={parameter.step}
      allowDecimal={parameter.step < 1}
      onChange={(typed) => onChange(numberOf(typed))}
    />
  );
}

const numberOf = (value: number | string): number | undefined => (typeof value === "number" ? value : undefined);

function withNumber(
  before: Typed["numbers"],
  name: NumberParameter["name"],
  value: number | undefined,
): Typed["numbers"] {
  const after = { ...before };
  if (value === undefined) delete after[name];
  else after[name] = value;
  return after;
}
