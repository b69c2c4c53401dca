// Bins as a table of which only the rows in view are drawn, so that a thousand scroll as smoothly as ten.

import { Table, UnstyledButton } from "@mantine/core";
import { IconArrowDown, IconArrowUp } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { memo, useLayoutEffect, useRef, useState } from "react";
import { useFormat } from "../../i18n/format";
import styles from "./BinTable.module.css";
import type { Choice, Column } from "./choose";
import { Fill } from "./Fill";
import { Attention, LastItem, Online } from "./Status";
import { type BinView, telemetryOf } from "./telemetry";
import { useFleetText } from "./text";

/** The height of a row, in pixels. */
const ROW = 56;

/** Rows that are drawn above and below what is in view. */
const BEYOND = 6;

const heads: {
  column: Column | null;
  key:
    | "column_name"
    | "column_online"
    | "column_model"
    | "lastItem"
    | "column_seen"
    | "column_fill"
    | "column_attention";
  width: string;
}[] = [
  { column: "name", key: "column_name", width: "22%" },
  { column: "online", key: "column_online", width: "11%" },
  { column: "model", key: "column_model", width: "14%" },
  { column: null, key: "lastItem", width: "14%" },
  { column: "seen", key: "column_seen", width: "13%" },
  { column: "fill", key: "column_fill", width: "11%" },
  { column: "attention", key: "column_attention", width: "15%" },
];

export function BinTable({
  bins,
  choice,
  onChange,
}: {
  bins: readonly BinView[];
  choice: Choice;
  onChange: (choice: Choice) => void;
}) {
  const text = useFleetText();
  const body = useRef<HTMLTableSectionElement>(null);
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    if (body.current) setTop(body.current.getBoundingClientRect().top + window.scrollY);
  }, []);
  const rows = useWindowVirtualizer({
    count: bins.length,
    estimateSize: () => ROW,
    overscan: BEYOND,
    scrollMargin: top,
  });
  const drawn = rows.getVirtualItems();
  const before = (drawn[0]?.start ?? top) - top;
  const after = rows.getTotalSize() - ((drawn.at(-1)?.end ?? top) - top);

  const sortBy = (column: Column) =>
    onChange({
      ...choice,
      sort: column,
      descending: choice.sort === column ? !choice.descending : column !== "name" && column !== "model",
    });

  return (
    <Table
      className={styles.table}
      layout="fixed"
      aria-label={text("title")}
      aria-rowcount={bins.length + 1}
      bg="var(--pilah-card)"
    >
      <Table.Thead className={styles.head}>
        <Table.Tr aria-rowindex={1}>
          {heads.map(({ column, key, width }) => {
            const sorted = column !== null && choice.sort === column;
            return (
              <Table.Th
                key={key}
                scope="col"
                w={width}
                aria-sort={sorted ? (choice.descending ? "descending" : "ascending") : undefined}
              >
                {column === null ? (
                  text(key)
                ) : (
                  <UnstyledButton className={styles.sort} onClick={() => sortBy(column)}>
                    {text(key)}
                    {sorted &&
                      (choice.descending ? (
                        <IconArrowDown size={14} aria-hidden />
                      ) : (
                        <IconArrowUp size={14} aria-hidden />
                      ))}
                  </UnstyledButton>
                )}
              </Table.Th>
            );
          })}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody ref={body}>
        <Spacer height={before} />
        {drawn.map(({ index }) => {
          const bin = bins[index];
          return bin && <Row key={bin.id} bin={bin} index={index + 2} />;
        })}
        <Spacer height={after} />
      </Table.Tbody>
    </Table>
  );
}

/** Stands for the rows that are not drawn. */
function Spacer({ height }: { height: number }) {
  return height > 0 ? (
    <tr aria-hidden>
      <td colSpan={heads.length} style={{ height, padding: 0, border: 0 }} />
    </tr>
  ) : null;
}

const Row = memo(function Row({ bin, index }: { bin: BinView; index: number }) {
  const text = useFleetText();
  const format = useFormat();
  const { fill } = telemetryOf(bin);
  const update =
    bin.update ??
    (bin.desired_model && bin.desired_model !== bin.model ? text("wants", { model: bin.desired_model }) : null);
  return (
    <tr style={{ height: ROW }} aria-rowindex={index}>
      <td>
        <Link to="/fleet/$bin" params={{ bin: bin.id }} preload={false} className={styles.name}>
          {bin.name}
        </Link>
        <span className={styles.small}>{bin.group ? `${bin.id} · ${bin.group}` : bin.id}</span>
      </td>
      <td>
        <Online online={bin.online} />
      </td>
      <td>
        <span className={styles.line}>{bin.model ?? "–"}</span>
        {update && (
          <span className={styles.small} title={update}>
            {update}
          </span>
        )}
      </td>
      <td>{bin.last_item ? <LastItem label={bin.last_item.label} /> : "–"}</td>
      <td>
        <span className={styles.line}>{bin.last_seen_ms ? format.ago(bin.last_seen_ms) : text("never")}</span>
      </td>
      <td>{fill === undefined ? "–" : <Fill fill={fill} />}</td>
      <td>
        <Attention bin={bin} />
      </td>
    </tr>
  );
});
