// The registry: every version, what the gate asks for, and models from elsewhere.

import { Alert, SimpleGrid, Stack } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { models, useMay } from "../../api/queries";
import { HubWords } from "../../components/HubWords";
import { Empty, Loaded, PageHead } from "../../components/states";
import { Backbones } from "./Backbones";
import { GateRules } from "./GateRules";
import { Import } from "./Import";
import { Registry } from "./Registry";
import { useModelsText } from "./text";

export function Models() {
  const text = useModelsText();
  const admin = useMay("admin");
  const found = useQuery(models);
  return (
    <>
      <PageHead title={text("title")} hint={text("hint")} />
      <Stack>
        {found.data?.notice && (
          <Alert color="red" role="alert" title={text("notLoaded")}>
            <HubWords size="sm">{found.data.notice}</HubWords>
          </Alert>
        )}
        <Loaded query={found} lines={8}>
          {(list) =>
            list.models.length === 0 ? (
              <Empty title={text("none")}>{text("noneHint")}</Empty>
            ) : (
              <Registry models={list.models} />
            )
          }
        </Loaded>
        <SimpleGrid cols={{ base: 1, lg: admin ? 2 : 1 }} style={{ alignItems: "start" }}>
          <GateRules />
          {admin && <Import />}
        </SimpleGrid>
        <Backbones />
      </Stack>
    </>
  );
}
