// retrain.html: sends a file to /retrain and shows what its server-sent events tell. No framework, no build.

(() => {
  const texts = {
    en: {
      title: "Retrain the forecast",
      hint: "Send a CSV file with a date and a quantity per row; a product and a store may be beside it.",
      login: "Log in",
      user: "Name",
      password: "Password",
      file: "CSV file",
      start: "Upload and train",
      found: "What is in the file",
      checking: "The file is being read",
      rows: "Rows that cannot be read",
      line: "Line",
      column: "Column",
      value: "Value",
      reason: "What is wrong",
      accept: (good) => `Take the ${good} good rows`,
      cancel: "Cancel",
      progress: "Progress of the training",
      log: "What has been done",
      see: "See the forecast",
      sending: "The file is being sent and checked",
      wrong: "Name or password is wrong.",
      noAnswer: "The hub does not answer. Check that it runs and that this device reaches it, then try again.",
      brokeOff: "The connection broke off. The training may go on without this page; try again in a moment.",
      forbidden: "Only administrators may train. Log in as one.",
      bad: (bad, of) => `${bad} of ${of} rows cannot be read, and nothing was taken over.`,
      validated: (d) =>
        `${d.good} of ${d.rows} rows are good${d.added_up ? `; ${d.added_up} were added to others` : ""}`,
      merged: (d) => `${d.new} rows are new, ${d.updated} changed, ${d.unchanged} as they were`,
      prophet: () => "Prophet is fitted to the total",
      lstm: (d) => `The network learns: epoch ${d.epoch} of ${d.epochs}, loss ${d.loss.toPrecision(3)}`,
      products: (d) => `${d.done} of ${d.of} products are fitted`,
      saved: (d) => `Saved: ${Math.ceil(d.bytes / 1000)} kB`,
      result: () => "Done: the new forecast answers",
      cancelled: () => "Cancelled. What was trained before goes on to answer.",
    },
    id: {
      title: "Latih ulang prakiraan",
      hint: "Kirim berkas CSV dengan tanggal dan jumlah di setiap baris; produk dan toko boleh ditambahkan.",
      login: "Masuk",
      user: "Nama",
      password: "Kata sandi",
      file: "Berkas CSV",
      start: "Unggah dan latih",
      found: "Isi berkas",
      checking: "Berkas sedang dibaca",
      rows: "Baris yang tidak dapat dibaca",
      line: "Baris",
      column: "Kolom",
      value: "Nilai",
      reason: "Yang salah",
      accept: (good) => `Ambil ${good} baris yang baik`,
      cancel: "Batalkan",
      progress: "Kemajuan pelatihan",
      log: "Yang sudah dikerjakan",
      see: "Lihat prakiraan",
      sending: "Berkas sedang dikirim dan diperiksa",
      wrong: "Nama atau kata sandi salah.",
      noAnswer: "Hub tidak menjawab. Pastikan hub berjalan dan terjangkau dari perangkat ini, lalu coba lagi.",
      brokeOff: "Sambungan terputus. Pelatihan mungkin tetap berjalan tanpa halaman ini; coba lagi sebentar lagi.",
      forbidden: "Hanya administrator yang boleh melatih. Masuklah sebagai administrator.",
      bad: (bad, of) => `${bad} dari ${of} baris tidak dapat dibaca, dan tidak ada yang diambil.`,
      validated: (d) =>
        `${d.good} dari ${d.rows} baris dapat dipakai${d.added_up ? `; ${d.added_up} dijumlahkan` : ""}`,
      merged: (d) => `${d.new} baris baru, ${d.updated} berubah, ${d.unchanged} tetap`,
      prophet: () => "Prophet disesuaikan dengan jumlah keseluruhan",
      lstm: (d) => `Jaringan belajar: epoch ${d.epoch} dari ${d.epochs}, galat ${d.loss.toPrecision(3)}`,
      products: (d) => `${d.done} dari ${d.of} produk selesai disesuaikan`,
      saved: (d) => `Tersimpan: ${Math.ceil(d.bytes / 1000)} kB`,
      result: () => "Selesai: prakiraan baru sudah menjawab",
      cancelled: () => "Dibatalkan. Hasil pelatihan sebelumnya tetap menjawab.",
    },
  };

  let language = navigator.language.toLowerCase().startsWith("id") ? "id" : "en";
  try {
    language = localStorage.getItem("pilah-language") === null ? language : localStorage.getItem("pilah-language");
  } catch {
    // Storage is refused: the browser's language it is.
  }
  const text = texts[language] ?? texts.en;
  document.documentElement.lang = text === texts.id ? "id" : "en";
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = text[element.dataset.text];
  for (const element of document.querySelectorAll("[data-label]"))
    element.setAttribute("aria-label", text[element.dataset.label]);

  const at = (id) => document.getElementById(id);
  const show = (id, shown = true) => {
    at(id).hidden = !shown;
  };
  const headers = { "X-Pilah-CSRF": "1", Accept: "text/event-stream, application/json" };
  /** What a person has answered about the file: fields of the form. */
  let answers = {};
  /** The path that the hub is under, if a proxy puts it under one. */
  const base = new URL(".", location.href).pathname.replace(/\/$/, "");
  let training = "";
  let stop = new AbortController();

  const refuse = (words) => {
    at("refusal").textContent = words;
    show("refusal", words !== "");
  };

  /** The answer of the hub, or null after its refusal has been shown. */
  async function ask(path, init = {}) {
    let answer;
    try {
      answer = await fetch(base + path, { ...init, headers: { ...headers, ...init.headers } });
    } catch {
      if (!stop.signal.aborted) refuse(text.noAnswer);
      return null;
    }
    if (answer.ok) return answer;
    const problem = await answer.json().catch(() => ({}));
    if (answer.status === 401) askForLogin(path === "/api/v1/login");
    else if (answer.status === 403) {
      refuse(text.forbidden);
      show("login");
    } else if (problem.report?.errors) showRows(problem.report);
    else {
      refuse(problem.detail ?? `HTTP ${answer.status}`);
      showFound(problem.found);
      showChoices(problem.option, problem.choices ?? []);
    }
    return null;
  }

  /** Has the file read, and shows what is in it; nothing is taken over. */
  async function check() {
    refuse("");
    for (const id of ["found", "choices", "rows", "done"]) show(id, false);
    const file = at("file").files[0];
    if (!file) return;
    at("now").textContent = text.checking;
    at("start").disabled = true;
    const answer = await ask("/retrain", { method: "POST", body: formOf(file, { check: "true" }) });
    at("now").textContent = "";
    at("start").disabled = false;
    if (answer) showFound(await answer.json());
  }

  function formOf(file, fields) {
    const form = new FormData();
    for (const [name, value] of Object.entries({ ...answers, ...fields })) form.append(name, value);
    form.append("file", file);
    return form;
  }

  /** In the hub's words, column by column. */
  function showFound(report) {
    if (!report) return;
    const columns = report.understood.map(({ name, field, understood, written, read }) => {
      const examples = written.map((value, at) => (read[at] && read[at] !== value ? `${value} → ${read[at]}` : value));
      return `${name}: ${field ?? "–"} (${understood}) ${examples.join(", ")}`;
    });
    const lineOf = ({ line, value, reason }) => `${line}: ${value}: ${reason}`;
    const leftOut = [...report.left_out, ...report.errors].map(lineOf);
    const whole = report.quantities
      ? [`${report.rows} → ${report.quantities} (${report.first} – ${report.last}, ${report.step}): ${report.total}`]
      : [];
    const lines = [...whole, ...columns, ...leftOut, ...report.notes];
    at("findings").replaceChildren(
      ...lines.map((line) => Object.assign(document.createElement("li"), { textContent: line })),
    );
    show("found");
  }

  /** The answers to what is not clear in a file, one of which is chosen. */
  function showChoices(option, choices) {
    const buttons = choices.map(({ value, meaning }) => {
      const choice = document.createElement("button");
      choice.type = "button";
      choice.textContent = `${value}: ${meaning}`;
      choice.addEventListener("click", () => {
        answers = { ...answers, [option]: value };
        check();
      });
      return choice;
    });
    at("choices").replaceChildren(...buttons);
    show("choices", buttons.length > 0);
  }

  function askForLogin(wrong) {
    refuse(wrong ? text.wrong : "");
    show("login");
    show("retrain", false);
    at(wrong ? "password" : "user").focus();
  }

  function showRows(report) {
    refuse(text.bad(report.bad, report.rows));
    const lines = report.errors.map((error) => {
      const row = document.createElement("tr");
      for (const value of [error.line, error.column, error.value, error.reason]) {
        row.append(Object.assign(document.createElement("td"), { textContent: value }));
      }
      return row;
    });
    at("row-errors").replaceChildren(...lines);
    at("accept").textContent = text.accept(report.good);
    show("accept", report.good > 0);
    show("rows");
  }

  async function train(acceptErrors) {
    refuse("");
    for (const id of ["rows", "done", "found", "choices"]) show(id, false);
    at("log").replaceChildren();
    at("now").textContent = text.sending;
    at("bar").removeAttribute("value");
    at("start").disabled = true;
    at("cancel").disabled = false;
    show("work");
    training = "";
    stop = new AbortController();
    const form = formOf(at("file").files[0], acceptErrors ? { accept_errors: "true" } : {});
    const answer = await ask("/retrain", { method: "POST", body: form, signal: stop.signal });
    const over = answer !== null && (await read(answer.body).catch(() => false));
    if (answer && !over && !stop.signal.aborted) refuse(text.brokeOff);
    if (!over) at("now").textContent = "";
    show("work", false);
    at("start").disabled = false;
  }

  /** Reads events until the stream ends. Gives whether the last one came. */
  async function read(body) {
    const reader = body.getReader();
    const decoder = new TextDecoder();
    let rest = "";
    let over = false;
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return over;
      rest += decoder.decode(value, { stream: true });
      const blocks = rest.split(/\r?\n\r?\n/);
      rest = blocks.pop();
      for (const block of blocks) {
        const fields = block.split(/\r?\n/);
        const data = fields.filter((field) => field.startsWith("data:")).map((field) => field.slice(5).trim());
        const id = fields.find((field) => field.startsWith("id:"));
        if (id) training = id.slice(3).trim().split("/")[0];
        if (data.length > 0) over = hear(JSON.parse(data.join("\n"))) || over;
      }
    }
  }

  /** Shows an event. Gives whether it is the last. */
  function hear(event) {
    const words = text[event.stage]?.(event.data) ?? event.message;
    at("now").textContent = words;
    at("bar").value = event.progress;
    const log = at("log");
    show("log");
    const last = log.lastElementChild;
    // Of the epochs in a row, the last alone stays.
    const goesOn = event.stage === "lstm" && last?.dataset.stage === "lstm" && event.data.epoch > 1;
    const line = goesOn ? last : log.appendChild(document.createElement("li"));
    line.dataset.stage = event.stage;
    line.textContent = words;
    log.scrollTop = log.scrollHeight;
    if (event.stage === "failed") refuse(words);
    show("done", event.stage === "result");
    return ["result", "failed", "cancelled"].includes(event.stage);
  }

  at("login").addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = JSON.stringify({ user: at("user").value, password: at("password").value });
    const init = { method: "POST", body, headers: { "Content-Type": "application/json" } };
    if (!(await ask("/api/v1/login", init))) return;
    refuse("");
    show("login", false);
    show("retrain");
    at("password").value = "";
    at("file").focus();
  });
  at("retrain").addEventListener("submit", (event) => {
    event.preventDefault();
    train(false);
  });
  at("file").addEventListener("change", () => {
    answers = {};
    check();
  });
  at("accept").addEventListener("click", () => train(true));
  at("cancel").addEventListener("click", () => {
    at("cancel").disabled = true;
    // Before its first event there is no training yet: giving up the request is enough.
    if (training) ask(`/api/v1/forecast/trainings/${training}/cancel`, { method: "POST" });
    else stop.abort();
  });

  ask("/api/v1/me").then((answer) => answer && show("retrain"));
})();
