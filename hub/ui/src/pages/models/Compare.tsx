// Two versions side by side, on the same images.

import { Button, NativeSelect, SimpleGrid, Stack } from "@mantine/core";
import { IconSwitchHorizontal } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { api, type Schemas, unwrap } from "../../api/client";
import { models } from "../../api/queries";
import { BackLink } from "../../components/BackLink";
import { Empty, Loaded, PageHead } from "../../components/states";
import { useAddress } from "../../components/useAddress";
import { Comparison } from "./Comparison";
import { useModelsText } from "./text";

export function Compare() {
  const text = useModelsText();
  const found = useQuery(models);
  return (
    <>
      <BackLink to="/models">{text("all")}</BackLink>
      <PageHead title={text("compareTitle")} hint={text("compareHint")} />
      <Loaded query={found}>
        {(list) =>
          list.models.length < 2 ? <Empty title={text("onlyOne")}>{text("onlyOneHint")}</Empty> : <Chosen list={list} />
        }
      </Loaded>
    </>
  );
}

function Chosen({ list }: { list: Schemas["ModelList"] }) {
  const text = useModelsText();
  const [address, setAddress] = useAddress();
  const known = (version: string | undefined) => list.models.find((model) => model.version === version)?.version;
  const a = known(address.a) ?? known(list.in_service ?? undefined) ?? list.models[0]?.version ?? "";
  const b = known(address.b) ?? list.models.find((model) => model.version !== a)?.version ?? "";
  const comparison = useQuery({
    queryKey: ["models", "compare", a, b],
    queryFn: () => unwrap(api.GET("/api/v1/models/compare", { params: { query: { a, b } } })),
    enabled: a !== b,
    staleTime: 60_000,
  });
  const options = list.models.map((model) => ({
    value: model.version,
    label: model.version === list.in_service ? `${model.version} (${text("inService")})` : model.version,
  }));
  return (
    <Stack>
      <SimpleGrid cols={{ base: 1, sm: 3 }} style={{ alignItems: "end" }}>
        <NativeSelect
          label={text("one")}
          data={options}
          value={a}
          onChange={(event) => setAddress({ a: event.currentTarget.value, b })}
        />
        <NativeSelect
          label={text("other")}
          data={options}
          value={b}
          onChange={(event) => setAddress({ a, b: event.currentTarget.value })}
        />
        <Button
          variant="default"
          leftSection={<IconSwitchHorizontal size={16} />}
          onClick={() => setAddress({ a: b, b: a })}
        >
          {text("swap")}
        </Button>
      </SimpleGrid>
      {a === b ? (
        <Empty title={text("sameTwice")} />
      ) : (
        <Loaded query={comparison} lines={8}>
          {(report) => <Comparison report={report} />}
        </Loaded>
      )}
    </Stack>
  );
}
