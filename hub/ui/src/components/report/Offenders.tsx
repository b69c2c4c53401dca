// The surest wrong answers: where the model is most convincingly mistaken, or the label is.

import { Button, Text } from "@mantine/core";
import { useState } from "react";
import type { Schemas } from "../../api/client";
import { Card } from "../Card";
import { Gallery } from "../sample/Gallery";
import { offenderShown } from "./offender";
import { useReportText } from "./text";

/** As many are shown at first. */
const few = 12;

export function Offenders({ offenders }: { offenders: Schemas["Offender"][] }) {
  const text = useReportText();
  const [all, setAll] = useState(false);
  return (
    <Card title={text("worst")} hint={text("worstHint")}>
      {offenders.length === 0 ? (
        <Text size="sm">{text("noneWrong")}</Text>
      ) : (
        <Gallery items={(all ? offenders : offenders.slice(0, few)).map(offenderShown)} tile="7.5rem" />
      )}
      {!all && offenders.length > few && (
        <Button mt="sm" variant="default" size="sm" onClick={() => setAll(true)}>
          {text("showAll", { count: offenders.length })}
        </Button>
      )}
    </Card>
  );
}
