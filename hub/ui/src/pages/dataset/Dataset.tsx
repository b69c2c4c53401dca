// The dataset: what there is and whether it is enough, search, frozen versions, deletion.

import { Tabs } from "@mantine/core";
import { useMay } from "../../api/queries";
import { PageHead } from "../../components/states";
import { useAddress } from "../../components/useAddress";
import { Deletion } from "./Deletion";
import { Find } from "./find/Find";
import { Overview } from "./overview/Overview";
import { useDatasetText } from "./text";
import { Versions } from "./versions/Versions";

const parts = ["overview", "find", "versions", "deletion"] as const;

export function Dataset() {
  const text = useDatasetText();
  const admin = useMay("admin");
  const [address, setAddress] = useAddress();
  const shown = parts.filter((part) => part !== "deletion" || admin);
  const part = shown.find((each) => each === address.part) ?? "overview";
  return (
    <>
      <PageHead title={text("title")} hint={text("hint")} />
      <Tabs
        value={part}
        onChange={(next) => setAddress({ part: next === "overview" ? "" : (next ?? "") }, { push: true })}
        keepMounted={false}
      >
        <Tabs.List mb="md">
          {shown.map((each) => (
            <Tabs.Tab key={each} value={each}>
              {text(each)}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value="overview">
          <Overview />
        </Tabs.Panel>
        <Tabs.Panel value="find">
          <Find />
        </Tabs.Panel>
        <Tabs.Panel value="versions">
          <Versions />
        </Tabs.Panel>
        <Tabs.Panel value="deletion">
          <Deletion />
        </Tabs.Panel>
      </Tabs>
    </>
  );
}
