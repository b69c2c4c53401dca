// Asks the hub the first two questions before the dashboard's script has come; `src/api/client.ts` takes the answers.
window.pilahEarly = {};
for (const path of ["/api/v1/me", "/api/status"]) {
  // Under a path of a proxy, the page names it in its <base>.
  const answer = fetch(new URL(`.${path}`, document.baseURI));
  // Whoever takes it sees the failure; nobody may.
  answer.catch(() => {});
  window.pilahEarly[path] = answer;
}
