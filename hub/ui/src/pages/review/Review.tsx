// What bins were unsure of, one by one or many at once: a person says what it is, and the next model learns from it.

import { ActionIcon, Button, Group, SegmentedControl, VisuallyHidden } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { IconKeyboard } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { memo, useCallback, useDeferredValue, useEffect, useRef, useState } from "react";
import { classes as classesQuery } from "../../api/queries";
import { Empty, ErrorNote, Loaded, Loading, Needs, PageHead } from "../../components/states";
import type { ReviewItem, Said } from "./desk";
import { Failures, useSaid } from "./Failures";
import { Grid } from "./Grid";
import { Help } from "./Help";
import { Pad } from "./Pad";
import { Progress } from "./Progress";
import styles from "./Review.module.css";
import { Similar } from "./Similar";
import { Stage } from "./Stage";
import { useReviewText } from "./text";
import { useDesk } from "./useDesk";
import { useKeys } from "./useKeys";
import { Guess, Origin, Why } from "./Why";

export function Review() {
  const text = useReviewText();
  const query = useQuery(classesQuery);
  return (
    <Needs role="reviewer">
      <Loaded query={query}>{({ classes }) => <Desk classes={classes.map((each) => each.label)} />}</Loaded>
      {!query.data && <PageHead title={text("title")} hint={text("hint")} />}
    </Needs>
  );
}

type Mode = "single" | "grid";

function Desk({ classes }: { classes: readonly string[] }) {
  const text = useReviewText();
  const said = useSaid();
  const { store, snapshot } = useDesk();
  const { desk, fetching, exhausted } = snapshot;
  const [mode, setMode] = useState<Mode>("single");
  const [chosen, setChosen] = useState<string[]>([]);
  const [choosing, setChoosing] = useState(false);
  const [help, setHelp] = useState(false);

  useKeys((key, event) => {
    if (event.ctrlKey || event.metaKey) return false;
    if (key === "?") setHelp(true);
    else if (key === "g") setMode(mode === "single" ? "grid" : "single");
    else return false;
    return true;
  });
  useEffect(() => {
    if (mode === "grid") void store.refill(MANY);
  }, [mode, store]);

  const present = desk.queue[0];
  // The image changes at once; what is known of it follows when there is time.
  const described = useDeferredValue(present);
  const subjects = mode === "grid" ? chosen : present ? [present.sample.id] : [];
  // The same functions for good: what does not change is not drawn again with each answer.
  const latest = useRef(subjects);
  latest.current = subjects;
  const say = useCallback(
    (what: Said) => {
      store.say(latest.current, what);
      setChoosing(false);
    },
    [store],
  );
  const undo = useCallback(() => store.undo(), [store]);
  const openHelp = useCallback(() => setHelp(true), []);
  const last = desk.done.at(-1);
  const isSingle = mode === "single" && present !== undefined;

  return (
    <div className={styles.page}>
      <Head mode={mode} onMode={setMode} onHelp={openHelp} />
      <Progress snapshot={snapshot} onRetry={() => store.retryNow()} />
      <Failures failed={desk.failed} store={store} />
      {fetching.state === "failed" && (
        <ErrorNote error={fetching.problem} retry={() => void store.refill()} title={text("noBatch")} />
      )}
      <div className={isSingle ? styles.single : styles.many}>
        {isSingle ? (
          <section className={styles.subject} aria-label={text("present")}>
            <Stage queue={desk.queue} past={desk.done.map((each) => each.item)} />
            <Origin item={present} />
          </section>
        ) : desk.queue.length > 0 ? (
          <Grid queue={desk.queue} onChosen={setChosen} />
        ) : exhausted ? (
          <NothingWaits />
        ) : (
          fetching.state !== "failed" && <Loading lines={6} />
        )}
        <Pad
          classes={classes}
          idle={subjects.length === 0}
          mayAsk={mode === "grid" || present?.state === "open"}
          mayUndo={desk.done.length > 0}
          choosing={choosing}
          onChoosing={setChoosing}
          onSay={say}
          onUndo={undo}
        />
        {isSingle && described && <About item={described} />}
      </div>
      <VisuallyHidden role="status">{last && text("saidLast", { said: said(last) })}</VisuallyHidden>
      <Help opened={help} onClose={() => setHelp(false)} classes={classes} />
    </div>
  );
}

const Head = memo(function Head({
  mode,
  onMode,
  onHelp,
}: {
  mode: Mode;
  onMode: (mode: Mode) => void;
  onHelp: () => void;
}) {
  const text = useReviewText();
  const isNarrow = useMediaQuery("(max-width: 62em)");
  return (
    <PageHead title={text("title")} hint={isNarrow ? undefined : text("hint")}>
      <SegmentedControl
        value={mode}
        onChange={(value) => onMode(value as Mode)}
        data={[
          { value: "single", label: text("oneByOne") },
          { value: "grid", label: text("grid") },
        ]}
        aria-label={text("mode")}
      />
      <ActionIcon variant="default" size="lg" onClick={onHelp} aria-label={text("keys")}>
        <IconKeyboard size={20} />
      </ActionIcon>
    </PageHead>
  );
});

const About = memo(function About({ item }: { item: ReviewItem }) {
  const text = useReviewText();
  return (
    <aside className={styles.about} aria-label={text("about")}>
      <Why item={item} />
      <Guess item={item} />
      <Similar sample={item.sample.id} />
    </aside>
  );
});

/** How many images lie in the grid. */
const MANY = 60;

function NothingWaits() {
  const text = useReviewText();
  return (
    <Empty title={text("nothingWaits")}>
      {text("emptyHint")}
      <Group justify="center" mt="md">
        <Button component={Link} to="/upload" variant="light">
          {text("toUpload")}
        </Button>
        <Button component={Link} to="/train" variant="light">
          {text("toTrain")}
        </Button>
      </Group>
    </Empty>
  );
}
