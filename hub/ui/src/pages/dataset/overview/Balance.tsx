// How many labelled images each class has, by split: whether classes are in balance.

import { Anchor } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { classes } from "../../../api/queries";
import { Card } from "../../../components/Card";
import { StackedBars } from "../../../components/StackedBars";
import { Loaded } from "../../../components/states";
import { useClassName } from "../../../i18n/classes";
import { useFormat } from "../../../i18n/format";
import { useDatasetText } from "../text";
import { splitColours, splits } from "./splits";

export function Balance() {
  const text = useDatasetText();
  const name = useClassName();
  const format = useFormat();
  const found = useQuery(classes);
  const legend = splits.map((split) => ({ name: text(split), value: 0, colour: splitColours[split] }));
  return (
    <Card title={text("balance")} hint={text("balanceHint")}>
      <Loaded query={found}>
        {(counts) => (
          <StackedBars
            legend={legend}
            bars={counts.classes.map((each) => ({
              key: each.label,
              label: (
                <Anchor component={Link} to="/dataset" search={{ part: "find", label: each.label } as never} fz="sm">
                  {name(each.label)}
                </Anchor>
              ),
              parts: splits.map((split) => ({ name: text(split), value: each[split], colour: splitColours[split] })),
              figure: format.number(each.images),
              details: splits.map((split) => `${format.number(each[split])} ${text(split)}`).join(" · "),
            }))}
          />
        )}
      </Loaded>
    </Card>
  );
}
