// Who is logged in, and the way out.

import { Button, Menu } from "@mantine/core";
import { IconLogout, IconMap2, IconUser } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { base } from "../api/base";
import { api, unwrap } from "../api/client";
import { me } from "../api/queries";
import { sessionGivenUp } from "../api/session";
import { useShellText } from "./text";
import { startTour } from "./tourState";

/** Logs out, and forgets all that was read. */
export function useLogout() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: () => unwrap(api.POST("/api/v1/logout")),
    onSettled: () => {
      sessionGivenUp();
      queries.clear();
      void queries.invalidateQueries();
      location.assign(base);
    },
  });
}

export function Account() {
  const text = useShellText();
  const { data } = useQuery(me);
  const logout = useLogout();
  if (!data) return null;
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button variant="subtle" size="compact-md" leftSection={<IconUser size={18} />}>
          {data.user}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{text("role", { role: text(data.role as "admin" | "reviewer" | "viewer") })}</Menu.Label>
        <Menu.Item leftSection={<IconMap2 size={16} />} onClick={startTour}>
          {text("tour")}
        </Menu.Item>
        <Menu.Item leftSection={<IconLogout size={16} />} onClick={() => logout.mutate()}>
          {text("logout")}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
