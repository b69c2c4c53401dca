import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

/** Where a hub listens for `npm run dev`. */
const hub = process.env.PILAH_HUB ?? "http://127.0.0.1:8080";

export default defineConfig({
  // The page is under a path if a proxy puts it there: what it loads is named relative to it.
  base: "./",
  plugins: [react()],
  server: {
    host: "127.0.0.1",
    proxy: Object.fromEntries(
      ["/api", "/health", "/retrain", "/forecast"].map((path) => [
        `^${path}(/|\\?|$)`,
        { target: hub, changeOrigin: false },
      ]),
    ),
  },
  build: {
    // Nothing is inlined as data: the content security policy allows scripts and styles from files.
    assetsInlineLimit: 0,
    rolldownOptions: {
      output: {
        codeSplitting: {
          // What every visit needs comes as one file: a dozen small ones would each wait for a connection.
          groups: [{ name: "frame", tags: ["$initial"] }],
        },
      },
    },
    // Source maps are for `npm run dev`; the hub's program stays small.
    sourcemap: false,
    // What the licences of the libraries in the scripts ask for: their texts, beside the scripts.
    license: { fileName: "licences.md" },
  },
  test: {
    environment: "happy-dom",
    setupFiles: ["src/testing/setup.ts"],
    restoreMocks: true,
    // A busy machine is slow, and no test fails of that.
    testTimeout: 60_000,
  },
});
