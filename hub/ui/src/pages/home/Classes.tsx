// Items by class: how many the bins were sure of, and how many they put to the rest.

import { Group, Progress, Text, Title } from "@mantine/core";
import type { UseQueryResult } from "@tanstack/react-query";
import type { Schemas } from "../../api/client";
import { Empty, Loaded } from "../../components/states";
import { classColour, useClassName } from "../../i18n/classes";
import { useFormat } from "../../i18n/format";
import styles from "./Home.module.css";
import { useHomeText } from "./text";

export function Classes({ query }: { query: UseQueryResult<Schemas["FieldReport"]> }) {
  const text = useHomeText();
  const name = useClassName();
  const format = useFormat();
  return (
    <section className="card" aria-label={text("classes")}>
      <Title order={2} size="h5" mb="xs">
        {text("classes")}
      </Title>
      <Loaded query={query}>
        {({ classes }) => {
          if (classes.length === 0) return <Empty title={text("noItems")}>{text("noItemsHint")}</Empty>;
          const most = Math.max(...classes.map((each) => each.sure + each.unsure));
          return (
            <>
              <ul className={styles.classes}>
                {classes.map(({ label, sure, unsure }) => (
                  <li key={label}>
                    <Text size="sm">{name(label)}</Text>
                    <Progress.Root size="lg" aria-hidden>
                      <Progress.Section value={(100 * sure) / most} color={`${classColour(label)}.6`} />
                      <Progress.Section value={(100 * unsure) / most} color={`${classColour(label)}.6`} striped />
                    </Progress.Root>
                    <Text size="sm" ta="right" className="figures">
                      {format.number(sure + unsure)}
                      <Text span size="xs" c="dimmed">
                        {unsure > 0 && ` ${text("ofThemUnsure", { number: format.number(unsure) })}`}
                      </Text>
                    </Text>
                  </li>
                ))}
              </ul>
              <Group mt="xs">
                <Text size="xs" c="dimmed">
                  {text("classesHint")}
                </Text>
              </Group>
            </>
          );
        }}
      </Loaded>
    </section>
  );
}
