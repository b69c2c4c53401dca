// The surest wrong answers: where the model is most convincingly mistaken, or the label is.

import { Button, Text } from "@mantine/core";
import { useState } from "react";
import type { Schemas } from "../../api/client";
import { useClassName } from "../../i18n/classes";
import { useFormat } from "../../i18n/format";
import { Card } from "../Card";
import { Gallery, type Shown } from "../sample/Gallery";
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

/** A wrong answer in a gallery. */
export function offenderShown(offender: Schemas["Offender"]): Shown {
  return {
    id: offender.sample,
    label: offender.truth,
    caption: <Mistake offender={offender} />,
    note: <Mistake offender={offender} />,
  };
}

function Mistake({ offender }: { offender: Schemas["Offender"] }) {
  const text = useReportText();
  const name = useClassName();
  const format = useFormat();
  return (
    <Text component="div" size="xs">
      {text("mistake", { truth: name(offender.truth), answer: name(offender.answer) })}
      <Text component="div" size="xs" c="dimmed" className="figures">
        {text("sure", { share: format.percent(offender.confidence) })}
      </Text>
    </Text>
  );
}
