// The table of versions; two of them can be chosen for a comparison.

import { Anchor, Button, Checkbox, Group, Table, Text, VisuallyHidden } from "@mantine/core";
import { IconArrowsDiff } from "@tabler/icons-react";
import { useQueries } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import type { Schemas } from "../../api/client";
import { Card } from "../../components/Card";
import { Tags } from "../../components/model/Tags";
import { IntervalBar } from "../../components/report/IntervalBar";
import { Scrolls } from "../../components/Scrolls";
import { useFormat } from "../../i18n/format";
import { detailOf } from "./detail";
import { useModelsText } from "./text";

/** As many are shown at first; each is read in detail. */
const few = 15;

export function Registry({ models }: { models: Schemas["ModelView"][] }) {
  const text = useModelsText();
  const [all, setAll] = useState(false);
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const shown = all ? models : models.slice(0, few);
  const details = useQueries({ queries: shown.map((model) => detailOf(model.version)) });
  const [a, b] = chosen;
  // The newest choice replaces the oldest, so that there are never more than two.
  const choose = (version: string) =>
    setChosen((before) =>
      before.includes(version) ? before.filter((each) => each !== version) : [...before, version].slice(-2),
    );
  return (
    <Card
      title={text("registry")}
      hint={text("registryHint")}
      actions={
        a && b ? (
          <Button
            component={Link}
            to="/models/compare"
            search={{ a, b } as never}
            size="sm"
            leftSection={<IconArrowsDiff size={16} />}
          >
            {text("compare")}
          </Button>
        ) : undefined
      }
    >
      <Scrolls label={text("registry")}>
        <Table verticalSpacing="xs" miw={780} highlightOnHover>
          <Table.Thead>
            <Table.Tr>
              <Table.Th w={40}>
                <VisuallyHidden>{text("choose")}</VisuallyHidden>
              </Table.Th>
              <Table.Th>{text("version")}</Table.Th>
              <Table.Th>{text("state")}</Table.Th>
              <Table.Th w={170}>{text("accuracy")}</Table.Th>
              <Table.Th ta="right">{text("macroF1")}</Table.Th>
              <Table.Th>{text("origin")}</Table.Th>
              <Table.Th ta="right">{text("size")}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {shown.map((model, place) => (
              <Row
                key={model.version}
                model={model}
                detail={details[place]?.data}
                chosen={chosen.includes(model.version)}
                onChoose={() => choose(model.version)}
              />
            ))}
          </Table.Tbody>
        </Table>
      </Scrolls>
      {!all && models.length > few && (
        <Group justify="center" mt="sm">
          <Button variant="default" size="sm" onClick={() => setAll(true)}>
            {text("showAll", { count: models.length })}
          </Button>
        </Group>
      )}
    </Card>
  );
}

function Row({
  model,
  detail,
  chosen,
  onChoose,
}: {
  model: Schemas["ModelView"];
  detail?: Schemas["ModelDetail"];
  chosen: boolean;
  onChoose: () => void;
}) {
  const text = useModelsText();
  const format = useFormat();
  const bytes = detail && sizeOf(detail);
  return (
    <Table.Tr>
      <Table.Td>
        <Checkbox aria-label={text("chooseVersion", { version: model.version })} checked={chosen} onChange={onChoose} />
      </Table.Td>
      <Table.Td>
        <Anchor component={Link} to="/models/$version" params={{ version: model.version } as never} fz="sm" fw={600}>
          {model.version}
        </Anchor>
        <Text size="xs" c="dimmed">
          {format.time(model.created_ms)}
        </Text>
      </Table.Td>
      <Table.Td>
        <Tags model={model} />
      </Table.Td>
      <Table.Td>
        {typeof model.accuracy === "number" ? (
          <IntervalBar share={model.accuracy} interval={detail?.evaluation?.interval} />
        ) : (
          <Text size="sm" c="dimmed">
            {text("notMeasured")}
          </Text>
        )}
      </Table.Td>
      <Table.Td ta="right" className="figures">
        {typeof model.macro_f1 === "number" ? format.finePercent(model.macro_f1) : "–"}
      </Table.Td>
      <Table.Td>
        {typeof model.training === "number" ? (
          <Anchor component={Link} to="/train" search={{ training: model.training } as never} fz="sm">
            {text("training", { id: model.training })}
          </Anchor>
        ) : (
          <Text size="sm">{text("elsewhere")}</Text>
        )}
        {detail?.lineage.parent && (
          <Text size="xs" c="dimmed">
            {text("after", { parent: detail.lineage.parent })}
          </Text>
        )}
      </Table.Td>
      <Table.Td ta="right" className="figures">
        {bytes ? format.bytes(bytes) : "–"}
      </Table.Td>
    </Table.Tr>
  );
}

/** The size of backbone and head in bytes, as its manifest says. */
function sizeOf(detail: Schemas["ModelDetail"]): number | null {
  const { backbone, head } = detail.manifest_content as { backbone?: { bytes?: number }; head?: { bytes?: number } };
  return backbone?.bytes && head?.bytes ? backbone.bytes + head.bytes : null;
}
