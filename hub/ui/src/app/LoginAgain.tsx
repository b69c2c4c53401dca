// Logging in over the page when a session has ended in the middle of something: what was typed there stays.

import { Modal, Stack, Text } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { base } from "../api/base";
import type { Schemas } from "../api/client";
import { me } from "../api/queries";
import { sessionGivenUp, sessionRenewed } from "../api/session";
import { useLogout } from "./Account";
import { LoginForm } from "./Login";
import { useShellText } from "./text";

export function LoginAgain() {
  const text = useShellText();
  const { data } = useQuery(me);
  const logout = useLogout();
  const queries = useQueryClient();
  const goOn = (who: Schemas["Me"]) => {
    if (data && who.user !== data.user) {
      // What waits was said by somebody else: nothing of it is sent in this person's name.
      sessionGivenUp();
      location.assign(base);
      return;
    }
    sessionRenewed();
    void queries.invalidateQueries();
  };
  return (
    <Modal opened onClose={() => logout.mutate()} title={text("expired")} closeOnClickOutside={false} centered>
      <Stack>
        <Text>{text("expiredHint")}</Text>
        <LoginForm name={data?.user ?? ""} onDone={goOn} />
      </Stack>
    </Modal>
  );
}
