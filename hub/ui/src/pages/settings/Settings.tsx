// Settings: one's own password, who may do what, what was done, and what the hub runs with.

import { Tabs } from "@mantine/core";
import { IconHistory, IconInfoCircle, IconKey, IconRss, IconSettings, IconUsers } from "@tabler/icons-react";
import { useState } from "react";
import { useMay } from "../../api/queries";
import { PageHead } from "../../components/states";
import { About } from "./About";
import { AuditLog } from "./AuditLog";
import { Configuration } from "./Configuration";
import { Password } from "./Password";
import { Subscribers } from "./Subscribers";
import { useSettingsText } from "./text";
import { Users } from "./Users";

const tabs = [
  { name: "password", icon: IconKey, admin: false, content: Password },
  { name: "users", icon: IconUsers, admin: true, content: Users },
  { name: "subscribers", icon: IconRss, admin: true, content: Subscribers },
  { name: "audit", icon: IconHistory, admin: true, content: AuditLog },
  { name: "configuration", icon: IconSettings, admin: false, content: Configuration },
  { name: "about", icon: IconInfoCircle, admin: false, content: About },
] as const;

export function Settings() {
  const text = useSettingsText();
  const may = useMay("admin");
  const [tab, setTab] = useState<string | null>("password");
  const shown = tabs.filter(({ admin }) => may || !admin);
  return (
    <>
      <PageHead title={text("title")} hint={text("hint")} />
      <Tabs value={tab} onChange={setTab} keepMounted={false}>
        <Tabs.List mb="md">
          {shown.map(({ name, icon: Icon }) => (
            <Tabs.Tab key={name} value={name} leftSection={<Icon size={16} />}>
              {text(name)}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {shown.map(({ name, content: Content }) => (
          <Tabs.Panel key={name} value={name}>
            <Content />
          </Tabs.Panel>
        ))}
      </Tabs>
    </>
  );
}
