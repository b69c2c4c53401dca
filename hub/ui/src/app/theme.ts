// Colours and defaults of all components. Text has a contrast of 4.5:1 or more on its ground, in both themes.

import {
  type CSSVariablesResolver,
  createTheme,
  defaultVariantColorsResolver,
  localStorageColorSchemeManager,
  type VariantColorsResolver,
} from "@mantine/core";

/** Remembers light, dark or the system's choice; `public/theme.js` reads the same key. */
export const colorSchemeManager = localStorageColorSchemeManager({ key: "pilah-colour-scheme" });

/** Coloured text on a faint ground of the same colour is dark in the light theme, and light in the dark one. */
const variantColorResolver: VariantColorsResolver = (input) => {
  const resolved = defaultVariantColorsResolver(input);
  const colour = input.color ?? input.theme.primaryColor;
  if (!["light", "outline", "subtle", "transparent", "default"].includes(input.variant)) return resolved;
  if (input.variant === "default" || !(colour in input.theme.colors)) return resolved;
  return {
    ...resolved,
    color: `light-dark(color-mix(in srgb, var(--mantine-color-${colour}-9) 70%, black), var(--mantine-color-${colour}-2))`,
  };
};

export const theme = createTheme({
  primaryColor: "leaf",
  primaryShade: { light: 8, dark: 7 },
  colors: {
    leaf: [
      "#e9f8f1",
      "#d5ede2",
      "#a8dbc4",
      "#78c8a4",
      "#51b889",
      "#38ae78",
      "#2a9d69",
      "#17845a",
      "#0f6b4f",
      "#08563c",
    ],
  },
  autoContrast: true,
  luminanceThreshold: 0.35,
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif',
  headings: { fontWeight: "650" },
  defaultRadius: "md",
  cursorType: "pointer",
  respectReducedMotion: true,
  // A <header> in a dialog would be a second banner of the page.
  components: { ModalHeader: { defaultProps: { component: "div" } } },
  variantColorResolver,
});

export const cssVariablesResolver: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    "--mantine-color-body": "#f4f6f4",
    "--mantine-color-dimmed": "#55625a",
    "--mantine-color-placeholder": "#667169",
    "--mantine-color-error": "#b3261e",
    "--mantine-color-anchor": "#0b5a41",
    "--pilah-card": "#ffffff",
    "--pilah-line": "#d5dcd6",
  },
  dark: {
    "--mantine-color-body": "#101512",
    "--mantine-color-dimmed": "#a3b1a8",
    "--mantine-color-placeholder": "#93a198",
    "--mantine-color-error": "#ff9a8f",
    "--mantine-color-anchor": "#6fd3a9",
    "--pilah-card": "#19201c",
    "--pilah-line": "#324039",
  },
});
