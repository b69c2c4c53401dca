// The form for another version that goes to the fleet group by group.

import {
  ActionIcon,
  Button,
  Checkbox,
  Chip,
  Fieldset,
  Group,
  Modal,
  MultiSelect,
  NativeSelect,
  NumberInput,
  SimpleGrid,
  Stack,
  Text,
  Textarea,
  TextInput,
} from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, type Schemas, unwrap } from "../../api/client";
import { bins } from "../../api/queries";
import { tagsOf } from "../../components/model/Tags";
import { useModelText } from "../../components/model/text";
import { ErrorNote } from "../../components/states";
import { useFormat } from "../../i18n/format";
import {
  type Draft,
  type DraftGroup,
  days,
  fieldRules,
  isComplete,
  newDraft,
  newGroup,
  nextPercent,
  request,
} from "./draft";
import { useRolloutsText } from "./text";

/** Keys of what a rollout that begins changes. */
const stale = ["rollouts", "rollout", "models"];

export function Start({ list, onClose }: { list: Schemas["ModelList"]; onClose: () => void }) {
  const text = useRolloutsText();
  const words = useModelText();
  const format = useFormat();
  const queries = useQueryClient();
  const others = list.models.filter((model) => model.version !== list.in_service);
  const [draft, setDraft] = useState<Draft>(() => newDraft(""));
  const change = (part: Partial<Draft>) => setDraft((before) => ({ ...before, ...part }));
  const gate = others.find((model) => model.version === draft.version)?.gate;
  const refused = gate ? !gate.passed : false;
  const start = useMutation({
    mutationFn: () =>
      unwrap(
        api.POST("/api/v1/rollouts", {
          body: request(draft, refused, Intl.DateTimeFormat().resolvedOptions().timeZone),
        }),
      ),
    onSuccess: () => {
      for (const key of stale) void queries.invalidateQueries({ queryKey: [key] });
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    start.mutate();
  };
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
  return (
    <Modal
      opened
      onClose={onClose}
      size="lg"
      title={text("startTitle")}
      closeButtonProps={{ "aria-label": text("close") }}
    >
      <form onSubmit={submit}>
        <Stack>
          <NativeSelect
            label={text("another")}
            value={draft.version}
            onChange={(event) => change({ version: event.currentTarget.value })}
            data={[
              { value: "", label: text("choose") },
              ...others.map((each) => ({ value: each.version, label: inWords(each) })),
            ]}
          />
          {refused && (
            <Textarea
              label={text("reason")}
              description={text("reasonHint")}
              required
              withAsterisk={false}
              rows={2}
              value={draft.reason}
              onChange={(event) => change({ reason: event.currentTarget.value })}
            />
          )}
          <Groups groups={draft.groups} onChange={(groups) => change({ groups })} />
          <Rules draft={draft} change={change} />
          {start.isError && <ErrorNote error={start.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {text("close")}
            </Button>
            <Button type="submit" loading={start.isPending} disabled={!isComplete(draft, refused)}>
              {text("start")}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

function Groups({ groups, onChange }: { groups: DraftGroup[]; onChange: (groups: DraftGroup[]) => void }) {
  const text = useRolloutsText();
  const change = (key: number, part: Partial<DraftGroup>) =>
    onChange(groups.map((group) => (group.key === key ? { ...group, ...part } : group)));
  const add = () =>
    onChange([...groups, newGroup(1 + Math.max(-1, ...groups.map((each) => each.key)), nextPercent(groups))]);
  return (
    <Fieldset legend={text("groups")}>
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          {text("groupsHint")}
        </Text>
        {groups.map((group, index) => (
          <Group
            key={group.key}
            align="flex-end"
            gap="xs"
            role="group"
            aria-label={text("groupNumber", { number: index + 1 })}
          >
            <NativeSelect
              w={150}
              label={text("groupNumber", { number: index + 1 })}
              value={group.by}
              onChange={(event) => change(group.key, { by: event.currentTarget.value as DraftGroup["by"] })}
              data={[
                { value: "share", label: text("byShare") },
                { value: "tag", label: text("byTag") },
                { value: "bins", label: text("byBins") },
              ]}
            />
            <Who group={group} change={(part) => change(group.key, part)} />
            <Checkbox
              mb={8}
              label={text("approval")}
              checked={group.approval}
              onChange={(event) => change(group.key, { approval: event.currentTarget.checked })}
            />
            <ActionIcon
              mb={6}
              variant="subtle"
              color="gray"
              aria-label={text("removeGroup", { number: index + 1 })}
              onClick={() => onChange(groups.filter((each) => each.key !== group.key))}
            >
              <IconTrash size={18} />
            </ActionIcon>
          </Group>
        ))}
        <Group>
          <Button size="compact-sm" variant="default" leftSection={<IconPlus size={16} />} onClick={add}>
            {text("addGroup")}
          </Button>
        </Group>
      </Stack>
    </Fieldset>
  );
}

function Who({ group, change }: { group: DraftGroup; change: (part: Partial<DraftGroup>) => void }) {
  const text = useRolloutsText();
  const known = useQuery(bins).data ?? [];
  const tags = [...new Set(known.map((bin) => bin.group).filter((tag): tag is string => Boolean(tag)))].toSorted();
  if (group.by === "share") {
    return (
      <Percent
        label={text("percent")}
        least={1}
        value={group.percent}
        onChange={(percent) => change({ percent })}
        w={110}
      />
    );
  }
  if (group.by === "tag") {
    return (
      <NativeSelect
        flex={1}
        miw={140}
        label={text("tag")}
        value={group.tag}
        onChange={(event) => change({ tag: event.currentTarget.value })}
        data={[{ value: "", label: text("choose") }, ...tags]}
      />
    );
  }
  return (
    <MultiSelect
      flex={1}
      miw={200}
      searchable
      limit={50}
      label={text("theseBins")}
      value={group.bins}
      onChange={(chosen) => change({ bins: chosen })}
      data={known.map((bin) => bin.id)}
    />
  );
}

function Percent({
  label,
  hint,
  least = 0,
  value,
  onChange,
  w,
}: {
  label: string;
  hint?: string;
  least?: number;
  value: number;
  onChange: (value: number) => void;
  w?: number;
}) {
  return (
    <NumberInput
      w={w}
      label={label}
      description={hint}
      suffix="%"
      min={least}
      max={100}
      allowDecimal={false}
      value={value}
      onChange={(changed) => onChange(Number(changed) || 0)}
    />
  );
}

function Rules({ draft, change }: { draft: Draft; change: (part: Partial<Draft>) => void }) {
  const text = useRolloutsText();
  return (
    <Fieldset legend={text("rules")}>
      <Stack gap="sm">
        <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="sm">
          <Percent
            label={text("success")}
            hint={text("successHint")}
            least={1}
            value={draft.successPercent}
            onChange={(successPercent) => change({ successPercent })}
          />
          <NumberInput
            label={text("soak")}
            description={text("soakHint")}
            min={0}
            max={43_200}
            allowDecimal={false}
            value={draft.soakMinutes}
            onChange={(minutes) => change({ soakMinutes: Number(minutes) || 0 })}
          />
          <Percent
            label={text("error")}
            hint={text("errorHint")}
            value={draft.errorPercent}
            onChange={(errorPercent) => change({ errorPercent })}
          />
          <Percent
            label={text("silent")}
            hint={text("silentHint")}
            value={draft.silentPercent}
            onChange={(silentPercent) => change({ silentPercent })}
          />
        </SimpleGrid>
        <NativeSelect
          label={text("fieldRule")}
          value={draft.field}
          onChange={(event) => change({ field: event.currentTarget.value as Draft["field"] })}
          data={fieldRules.map((rule) => ({ value: rule, label: text(rule) }))}
        />
        <Checkbox
          label={text("windowed")}
          description={text("windowedHint")}
          checked={draft.windowed}
          onChange={(event) => change({ windowed: event.currentTarget.checked })}
        />
        {draft.windowed && (
          <>
            <SimpleGrid cols={2} spacing="sm">
              <TextInput
                type="time"
                label={text("from")}
                value={draft.from}
                onChange={(event) => change({ from: event.currentTarget.value })}
              />
              <TextInput
                type="time"
                label={text("to")}
                value={draft.to}
                onChange={(event) => change({ to: event.currentTarget.value })}
              />
            </SimpleGrid>
            <Chip.Group multiple value={draft.days} onChange={(chosen) => change({ days: chosen })}>
              <Group gap={6} role="group" aria-label={text("windowDays")}>
                {days.map((day) => (
                  <Chip key={day} value={day} size="xs">
                    {text(day)}
                  </Chip>
                ))}
              </Group>
            </Chip.Group>
          </>
        )}
      </Stack>
    </Fieldset>
  );
}
