// The switches for language and theme.

import { ActionIcon, SegmentedControl, useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import { IconMoon, IconSun } from "@tabler/icons-react";
import { type Language, languages, speak, useLanguage } from "../i18n";
import { useShellText } from "./text";

export function LanguageSwitch() {
  const text = useShellText();
  const language = useLanguage();
  return (
    <SegmentedControl
      size="xs"
      aria-label={text("language")}
      value={language}
      onChange={(chosen) => void speak(chosen as Language)}
      data={languages.map((each) => ({ value: each, label: each.toUpperCase() }))}
    />
  );
}

export function ThemeSwitch() {
  const text = useShellText();
  const { setColorScheme } = useMantineColorScheme();
  const dark = useComputedColorScheme("light") === "dark";
  return (
    <ActionIcon
      variant="subtle"
      size="lg"
      aria-label={text(dark ? "toLight" : "toDark")}
      onClick={() => setColorScheme(dark ? "light" : "dark")}
    >
      {dark ? <IconSun size={20} /> : <IconMoon size={20} />}
    </ActionIcon>
  );
}
