// An answer of the model, right or wrong, with its image.

import { Text } from "@mantine/core";
import type { Schemas } from "../../api/client";
import { useClassName } from "../../i18n/classes";
import { useFormat } from "../../i18n/format";
import type { Shown } from "../sample/Gallery";
import { useReportText } from "./text";

/** It in a gallery. */
export function offenderShown(offender: Schemas["Offender"]): Shown {
  return {
    id: offender.sample,
    label: offender.truth,
    caption: <Answered offender={offender} />,
    note: <Answered offender={offender} />,
  };
}

function Answered({ offender }: { offender: Schemas["Offender"] }) {
  const text = useReportText();
  const name = useClassName();
  const format = useFormat();
  return (
    <Text component="div" size="xs">
      {offender.truth === offender.answer
        ? name(offender.truth)
        : text("mistake", { truth: name(offender.truth), answer: name(offender.answer) })}
      <Text component="div" size="xs" c="dimmed" className="figures">
        {text("sure", { share: format.percent(offender.confidence) })}
      </Text>
    </Text>
  );
}
