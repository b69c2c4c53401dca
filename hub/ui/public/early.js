// What need not wait for the dashboard's script: the colour scheme, so that a dark page never flashes white, and the
// first two questions to the hub, whose answers `src/api/client.ts` takes.
(() => {
  let chosen = "auto";
  try {
    chosen = localStorage.getItem("pilah-colour-scheme") ?? "auto";
  } catch {
    // Storage is refused: the system's scheme it is.
  }
  const dark = chosen === "dark" || (chosen === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.setAttribute("data-mantine-color-scheme", dark ? "dark" : "light");

  window.pilahEarly = {};
  for (const path of ["/api/v1/me", "/api/status"]) {
    const answer = fetch(path);
    // Whoever takes it sees the failure; nobody may.
    answer.catch(() => {});
    window.pilahEarly[path] = answer;
  }
})();
