// Sends a file to a training that tells how far it is by server-sent events, and shows that.
//
// Usable by itself: inside a `MantineProvider`, `<RetrainModel endpoint="/retrain" fileTypes={[".csv"]} onDone={…} />`
// needs nothing else of this dashboard. The file goes as the field `file` of a multipart form. The answer is
// `text/event-stream`, each `data` a JSON object with `stage`, `message`, `progress` (0 to 100) and `data`; the
// last one has the stage `result`, `failed` or `cancelled`. A refusal is a problem detail (RFC 9457), whose
// `report` may tell the rows that cannot be read. With `checkField` a file is read as soon as it is chosen, and what is
// in it is shown before anything is taken over; what is not clear is asked, and the answer becomes a field.

import { Alert, Button, Group, Stack, Text } from "@mantine/core";
import { IconAlertTriangle, IconCheck } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { ChooseFile } from "./retrain/ChooseFile";
import { stating, statingAll } from "./retrain/columns";
import { Asked, Found } from "./retrain/Found";
import { RowErrors } from "./retrain/RowErrors";
import type { Refusal } from "./retrain/request";
import { type RetrainLanguage, type RetrainText, textsOf } from "./retrain/text";
import { type Check, useCheck } from "./retrain/useCheck";
import { useRetraining } from "./retrain/useRetraining";
import { Log, Watch } from "./retrain/Watch";

export interface RetrainModelProps {
  /** Where the form is posted. */
  endpoint: string;
  /** What may be chosen: extensions and media types, such as `.csv` and `text/csv`. */
  fileTypes: readonly string[];
  /** Called with the data of the last event, once the training has succeeded. */
  onDone: (result: Record<string, unknown>) => void;
  /** Further fields of the form. */
  fields?: Readonly<Record<string, string>>;
  language?: RetrainLanguage;
  /** The largest file, in bytes. */
  mostBytes?: number;
  /** The field that makes the server go on without rows that cannot be read; null if it has none. */
  acceptErrorsField?: string | null;
  /** The field that makes the server read a file and say what is in it, and take nothing over; null if it has none. */
  checkField?: string | null;
  /** Called with the fields as a person changes them while looking at what was found in a file. */
  onFields?: (fields: Record<string, string>) => void;
  /** Whether a training may start without a file, on what the server has stored. */
  mayTrainStored?: boolean;
  /** Where to ask how far a training is, after a connection that broke. */
  statusEndpoint?: (training: string) => string;
  /** Where to end a training. */
  cancelEndpoint?: (training: string) => string;
  /** Headers of every request. */
  headers?: Record<string, string>;
  /** How requests are sent. */
  send?: (request: Request) => Promise<Response>;
}

const ownHeaders = { "X-Pilah-CSRF": "1" };

export function RetrainModel({
  endpoint,
  fileTypes,
  onDone,
  fields = {},
  language = "en",
  mostBytes = 64 * 1024 * 1024,
  acceptErrorsField = "accept_errors",
  checkField = null,
  onFields,
  mayTrainStored = false,
  statusEndpoint,
  cancelEndpoint,
  headers = ownHeaders,
  send = fetch,
}: RetrainModelProps) {
  const text = useMemo(() => textsOf(language), [language]);
  const [file, setFile] = useState<File | null>(null);
  const target = { endpoint, headers, send: (request: Request) => send(request) };
  const { stage, events, start, watch, cancel, reset } = useRetraining(
    { ...target, status: statusEndpoint, cancel: cancelEndpoint },
    onDone,
  );
  const check = useCheck(target, file, fields, checkField);

  const train = (more: Record<string, string> = {}) => {
    const form = new FormData();
    // The options first: who reads the form from its start knows them when the file comes.
    for (const [name, value] of Object.entries({ ...fields, ...more })) form.append(name, value);
    if (file) form.append("file", file);
    void start(form);
  };
  const acceptErrors = acceptErrorsField ? () => train({ [acceptErrorsField]: "true" }) : undefined;

  if (stage.at === "sending" || stage.at === "training") {
    const { isLost, ending } = stage.at === "training" ? stage : { isLost: false, ending: false };
    return <Watch events={events} isLost={isLost} ending={ending} onCancel={() => void cancel()} text={text} />;
  }
  if (stage.at === "done") {
    return (
      <Stack gap="xs">
        <Alert color="green" icon={<IconCheck />} role="status" title={text("done")}>
          {text("result")}
        </Alert>
        <Log events={events} text={text} />
        <Group>
          <Button
            variant="default"
            onClick={() => {
              setFile(null);
              reset();
            }}
          >
            {text("again")}
          </Button>
        </Group>
      </Stack>
    );
  }
  return (
    <Stack gap="sm">
      {stage.at === "refused" && (
        <Refused refusal={stage.refusal} text={text} onAccept={acceptErrors} onWatch={statusEndpoint && watch} />
      )}
      {stage.at === "failed" && (
        <Alert color="red" role="alert" icon={<IconAlertTriangle />} title={text("failed")}>
          {stage.words}
        </Alert>
      )}
      {stage.at === "cancelled" && (
        <Alert color="gray" role="status">
          {text(stage.goesOn ? "watchingStopped" : "cancelled")}
        </Alert>
      )}
      <ChooseFile
        file={file}
        fileTypes={fileTypes}
        mostBytes={mostBytes}
        text={text}
        onChoose={(chosen) => {
          setFile(chosen);
          // What was said of the columns of one file says nothing of another.
          const { columns, ...others } = fields;
          if (columns !== undefined) onFields?.(others);
          reset();
        }}
      />
      {stage.at !== "refused" && <Checked check={check} fields={fields} onFields={onFields} text={text} />}
      <Group gap="xs">
        <Button onClick={() => train()} disabled={!file || isUnclear(check)}>
          {text(stage.at === "choosing" || !file ? "start" : "retry")}
        </Button>
        {mayTrainStored && !file && (
          <Button variant="subtle" onClick={() => train()}>
            {text("withoutFile")}
          </Button>
        )}
      </Group>
    </Stack>
  );
}

/** Whether a file is being read, or cannot be taken over as it is. No answer is no reason: the next may come. */
function isUnclear(check: Check): boolean {
  return check.at === "checking" || (check.at === "refused" && check.refusal.status === 422);
}

/** What is in the file that was chosen. */
function Checked({
  check,
  fields,
  onFields,
  text,
}: {
  check: Check;
  fields: Readonly<Record<string, string>>;
  onFields?: (fields: Record<string, string>) => void;
  text: RetrainText;
}) {
  const set = onFields && ((name: string, value: string) => onFields({ ...fields, [name]: value }));
  const onChoose =
    set &&
    ((option: string, value: string) =>
      set(option, option === "columns" ? statingAll(fields.columns ?? "", value) : value));
  const onColumn = set && ((column: string, is: string) => set("columns", stating(fields.columns ?? "", column, is)));
  switch (check.at) {
    case "nothing":
      return null;
    case "checking":
      return (
        <Text size="sm" c="dimmed" role="status">
          {text("checking")}
        </Text>
      );
    case "found":
      return <Found findings={check.findings} onColumn={onColumn} text={text} />;
    case "refused":
      return check.refusal.option ? (
        <Asked refusal={check.refusal} onChoose={onChoose} onColumn={onColumn} text={text} />
      ) : (
        <Refused refusal={check.refusal} text={text} />
      );
  }
}

/** Why the server did not begin, and the ways on. */
function Refused({
  refusal,
  text,
  onAccept,
  onWatch,
}: {
  refusal: Refusal;
  text: RetrainText;
  onAccept?: () => void;
  onWatch?: (training: string) => void;
}) {
  const { report, running, status } = refusal;
  if (report && report.bad > 0) {
    return (
      <Alert
        color="red"
        role="alert"
        icon={<IconAlertTriangle />}
        title={text("badRows", { bad: report.bad, rows: report.rows })}
      >
        <Stack gap="sm">
          {text(report.good > 0 ? "badRowsHint" : "noGood")}
          <RowErrors report={report} text={text} />
          {onAccept && report.good > 0 && (
            <Group>
              <Button variant="outline" color="red" onClick={onAccept}>
                {text(report.good === 1 ? "takeGood_one" : "takeGood", { good: report.good })}
              </Button>
            </Group>
          )}
        </Stack>
      </Alert>
    );
  }
  const words =
    status === 0
      ? text("noAnswer")
      : status === 401
        ? text("unauthorised")
        : running
          ? text("running")
          : refusal.message;
  return (
    <Alert color="red" role="alert" icon={<IconAlertTriangle />} title={text("failed")}>
      <Stack gap="sm">
        {words}
        {running && onWatch && (
          <Group>
            <Button variant="outline" color="red" onClick={() => onWatch(running)}>
              {text("watch")}
            </Button>
          </Group>
        )}
      </Stack>
    </Alert>
  );
}
