// Imported backbones: which one the next training takes.

import { Badge, Table, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, type Schemas, unwrap } from "../../api/client";
import { useMay } from "../../api/queries";
import { Card } from "../../components/Card";
import { Confirm } from "../../components/Confirm";
import { Scrolls } from "../../components/Scrolls";
import { ErrorNote } from "../../components/states";
import { useFormat } from "../../i18n/format";
import { useModelsText } from "./text";

/** Shows nothing until one was imported. */
export function Backbones() {
  const text = useModelsText();
  const queries = useQueryClient();
  const found = useQuery({ queryKey: ["backbones"], queryFn: () => unwrap(api.GET("/api/v1/backbones")) });
  const remove = useMutation({
    mutationFn: async (sha256: string) => {
      await unwrap(api.DELETE("/api/v1/backbones/{sha256}", { params: { path: { sha256 } } }));
    },
    onSuccess: () => void queries.invalidateQueries({ queryKey: ["backbones"] }),
  });
  if (found.isError) return <ErrorNote error={found.error} retry={() => void found.refetch()} />;
  if (!found.data || found.data.backbones.length === 0) return null;
  return (
    <Card title={text("backbones")} hint={text("backbonesHint")}>
      {remove.isError && <ErrorNote error={remove.error} />}
      <Scrolls label={text("backbones")}>
        <Table verticalSpacing="xs" miw={560}>
          <Table.Tbody>
            {found.data.backbones.map((backbone) => (
              <Row
                key={backbone.sha256}
                backbone={backbone}
                busy={remove.isPending}
                onDelete={() => remove.mutate(backbone.sha256)}
              />
            ))}
          </Table.Tbody>
        </Table>
      </Scrolls>
    </Card>
  );
}

function Row({ backbone, busy, onDelete }: { backbone: Schemas["BackboneView"]; busy: boolean; onDelete: () => void }) {
  const text = useModelsText();
  const format = useFormat();
  const admin = useMay("admin");
  return (
    <Table.Tr>
      <Table.Td>
        <Text size="sm" fw={600}>
          {backbone.name} {backbone.next && <Badge tt="none">{text("nextTraining")}</Badge>}
        </Text>
        <Text size="xs" c="dimmed">
          {text("importedBy", { by: backbone.created_by, at: format.time(backbone.created_ms) })}
        </Text>
      </Table.Td>
      <Table.Td className="figures">{`${backbone.width} × ${backbone.height} → ${backbone.embedding}`}</Table.Td>
      <Table.Td className="figures">{backbone.scaling}</Table.Td>
      <Table.Td className="figures">{format.bytes(backbone.bytes)}</Table.Td>
      <Table.Td className="figures">{format.duration(backbone.median_ms)}</Table.Td>
      <Table.Td ta="right">
        {admin && (
          <Confirm
            size="compact-sm"
            variant="default"
            disabled={busy}
            question={text("deleteBackboneQuestion", { name: backbone.name })}
            action={text("delete")}
            onConfirm={onDelete}
          >
            {text("delete")}
          </Confirm>
        )}
      </Table.Td>
    </Table.Tr>
  );
}
