// What can be said of an image: one key or one big button for each.

import { Button, Kbd, Text } from "@mantine/core";
import { IconArrowBackUp, IconBan, IconChevronLeft, IconPlayerSkipForward, IconUsers } from "@tabler/icons-react";
import { memo, type ReactNode } from "react";
import { classColour, useClassName } from "../../i18n/classes";
import { type Said, unusableReasons } from "./desk";
import styles from "./Review.module.css";
import { useReviewText } from "./text";
import { useKeys } from "./useKeys";

/** Keys of the reasons why an image is of no use, in the order of [unusableReasons]. */
const reasonKeys = ["b", "e", "p"];

export interface PadProps {
  classes: readonly string[];
  /** Nothing is there to be answered. */
  idle: boolean;
  /** Whether a second opinion can be asked for. */
  mayAsk: boolean;
  mayUndo: boolean;
  /** Whether a reason for “unusable” is being chosen. */
  choosing: boolean;
  onChoosing: (choosing: boolean) => void;
  onSay: (said: Said) => void;
  onUndo: () => void;
}

export const Pad = memo(function Pad({
  classes,
  idle,
  mayAsk,
  mayUndo,
  choosing,
  onChoosing,
  onSay,
  onUndo,
}: PadProps) {
  const text = useReviewText();
  const name = useClassName();

  useKeys((key, event) => {
    if (event.ctrlKey || event.metaKey || event.repeat) return false;
    if (key === "z" && mayUndo) {
      onChoosing(false);
      onUndo();
    } else if (idle) return false;
    else if (choosing) {
      const reason = unusableReasons[reasonKeys.indexOf(key)];
      if (key === "Escape" || key === "u") onChoosing(false);
      else if (reason) onSay({ action: "unusable", reason });
      else return false;
    } else if (key === "s") onSay({ action: "skip" });
    else if (key === "u") onChoosing(true);
    else if (key === "o" && mayAsk) onSay({ action: "second_opinion", label: null });
    else {
      const label = /^[1-9]$/.test(key) ? classes[Number(key) - 1] : undefined;
      if (!label) return false;
      onSay({ action: "label", label });
    }
    return true;
  });

  return (
    <section className={styles.pad} aria-label={text("answers")}>
      {choosing ? (
        <>
          <Text size="sm" fw={600} className={styles.wholeRow}>
            {text("whyUnusable")}
          </Text>
          {unusableReasons.map((reason, place) => (
            <Key
              key={reason}
              hint={reasonKeys[place]}
              colour="gray"
              onClick={() => onSay({ action: "unusable", reason })}
            >
              {text(reason)}
            </Key>
          ))}
          <Key hint="Esc" plain className={styles.wholeRow} onClick={() => onChoosing(false)}>
            <IconChevronLeft size={18} aria-hidden /> {text("back")}
          </Key>
        </>
      ) : (
        <>
          {classes.map((label, place) => (
            <Key
              key={label}
              hint={place < 9 ? String(place + 1) : undefined}
              colour={classColour(label)}
              disabled={idle}
              onClick={() => onSay({ action: "label", label })}
            >
              {name(label)}
            </Key>
          ))}
          <div className={styles.others}>
            <Key hint="S" plain disabled={idle} onClick={() => onSay({ action: "skip" })}>
              <IconPlayerSkipForward size={18} aria-hidden /> {text("skip")}
            </Key>
            <Key hint="U" plain disabled={idle} onClick={() => onChoosing(true)}>
              <IconBan size={18} aria-hidden /> {text("unusable")}
            </Key>
            <Key
              hint="O"
              plain
              disabled={idle || !mayAsk}
              onClick={() => onSay({ action: "second_opinion", label: null })}
            >
              <IconUsers size={18} aria-hidden /> {text("secondOpinion")}
            </Key>
            <Key hint="Z" plain disabled={!mayUndo} onClick={onUndo}>
              <IconArrowBackUp size={18} aria-hidden /> {text("undo")}
            </Key>
          </div>
        </>
      )}
    </section>
  );
});

function Key({
  hint,
  colour,
  plain,
  disabled,
  className,
  onClick,
  children,
}: {
  hint?: string;
  colour?: string;
  plain?: boolean;
  disabled?: boolean;
  className?: string;
  onClick: () => void;
  children: ReactNode;
}) {
  return (
    <Button
      className={`${styles.key} ${className ?? ""}`}
      classNames={{ label: styles.keyLabel }}
      variant={plain ? "default" : "light"}
      color={colour}
      disabled={disabled}
      onClick={onClick}
      aria-keyshortcuts={hint}
      h="auto"
      px="xs"
    >
      <span className={styles.keyName}>{children}</span>
      {hint && (
        <Kbd size="xs" className={styles.hint} aria-hidden>
          {hint.length === 1 ? hint.toUpperCase() : hint}
        </Kbd>
      )}
    </Button>
  );
}
