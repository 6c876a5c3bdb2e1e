/** The export dialog: the form with a live word on what will go out, then how far it is, then the report and the link. */

import { button, jobPart, openDialog, progressBar } from "./dialog.js";
import { h, setText } from "./dom.js";
import { createExportPanel } from "./exportpanel.js";
import { count } from "./format.js";
import { icon } from "./icons.js";
import { BROWSER, recall, remember } from "./memory.js";
import { reportLines } from "./reportlines.js";
import { createSnippet } from "./snippet.js";

const KEY = "export";
const REST_MS = 150; // between the last change of the form and the question what it would give

/** @param {{root: HTMLElement, store: object, server: object, settled: () => Promise<void>}} parts `settled` waits for unsaved actions */
export function createExports({ root, store, server, settled }) {
  let dialog = null;
  let jobId = null;

  function show() {
    if (document.getElementById("export-dialog")) return;
    const { formats, images, categories } = store.state;
    const panel = createExportPanel({ formats, images, categories }, recall(BROWSER, KEY) ?? {}, () => look());
    const outlook = h("p", { id: "export-outlook", class: "outlook", role: "status" });
    let turn = 0; // of several questions in a row, the last counts
    let timer = 0;

    function say(text, isProblem = false) {
      setText(outlook, text);
      outlook.classList.toggle("problem-words", isProblem);
    }

    /** Say what would go out, or what stands in its way. */
    function look(wait = REST_MS) {
      clearTimeout(timer);
      const mine = (turn += 1);
      const { format, options, problems } = panel.read();
      panel.showProblems(problems);
      if (Object.keys(problems).length) return say("");
      timer = setTimeout(async () => {
        try {
          await settled(); // what was just saved counts too
          const preview = await server.request("export_preview", { options });
          if (mine !== turn || !panel.element.isConnected) return;
          panel.showPreview(preview);
          const instances = preview.instances ? count(preview.instances, "instance") : "No instance";
          say(`${instances} on ${count(preview.images, "picture")} will go out`);
        } catch (error) {
          if (mine !== turn || !panel.element.isConnected) return;
          tell(error);
        }
      }, wait);
    }

    function tell(error) {
      const field = error.details?.field;
      if (panel.hasPlaceFor(field)) panel.showProblems({ [field]: error.message });
      say(panel.hasPlaceFor(field) ? "" : error.message, true);
    }

    async function go() {
      const { format, options, problems } = panel.read();
      panel.showProblems(problems);
      if (Object.keys(problems).length) return panel.focusProblem();
      start.disabled = true;
      try {
        await settled();
        const begun = await server.request("export", { format, options });
        clearTimeout(timer);
        turn += 1;
        remember(BROWSER, KEY, { format, options: { ...options, categories: options.categories.length ? options.categories : null } });
        await follow(dialog, begun, format);
      } catch (error) {
        start.disabled = false;
        tell(error);
        panel.focusProblem();
      }
    }

    panel.element.addEventListener("submit", (event) => {
      event.preventDefault();
      go();
    });
    const start = button("Export", go, { kind: "primary", id: "export-start" });
    dialog = openDialog(root, {
      id: "export-dialog",
      title: "Export",
      className: "export-dialog",
      body: [panel.element],
      actions: [outlook, h("span", { class: "spacer" }), button("Cancel", () => dialog.close()), start],
      onClose: stop,
    });
    panel.element.querySelector(".format-card :checked")?.focus();
    look(0);
  }

  /** The export has begun: show how far it is, and what came of it. */
  async function follow(mine, begun, format) {
    jobId = begun.id;
    if (!mine.element.isConnected) return stop();
    const bar = progressBar();
    const words = h("p", { class: "export-words", role: "status" }, "Preparing…");
    bar.set(null);
    bar.element.setAttribute("aria-label", "Export");
    const cancel = button("Cancel", () => mine.close(), { id: "export-cancel" });
    mine.setBody([words, bar.element], [cancel]);
    mine.element.classList.remove("export-dialog");
    cancel.focus();
    try {
      const job = await server.follow(begun, (now) => {
        bar.set(jobPart(now));
        setText(words, now.message || (now.total ? `${now.done.toLocaleString("en")} of ${count(now.total, "picture")}` : "Writing…"));
      });
      jobId = null;
      if (mine.element.isConnected) finish(mine, job, format);
    } catch (error) {
      jobId = null;
      if (mine.element.isConnected) fail(mine, error.message);
    }
  }

  function finish(mine, job, format) {
    if (job.state !== "done") return fail(mine, job.state === "cancelled" ? "The export was cancelled." : job.message);
    const { url, filename, report } = job.result;
    const link = h(
      "a",
      { id: "export-download", class: "button primary", href: new URL(url, document.baseURI).href, download: filename, autofocus: true },
      icon("download"),
      `Download ${filename}`,
    );
    const snippet = createSnippet({ id: "export-snippet" });
    snippet.show(store.state.formats.find((one) => one.name === format)?.snippet ?? "");
    const said = `${count(report.instances, "instance")} of ${count(report.categories, "category", "categories")} on ${count(report.images, "picture")}.`;
    mine.setBody(
      [
        h("p", { id: "export-summary" }, h("strong", {}, "The data set is ready. "), said),
        ...part("Left out", report.left_out, "left-out", filename),
        ...part("To know", report.warnings, "warnings", filename),
        h("h3", { class: "part-title" }, "Load it in Python"),
        snippet.element,
      ],
      [button("Back", again, { id: "export-back" }), h("span", { class: "spacer" }), button("Close", () => mine.close()), link],
    );
    link.focus();
  }

  function part(title, lines, id, filename) {
    if (!lines.length) return [];
    return [h("h3", { class: "part-title" }, `${title} (${lines.length.toLocaleString("en")})`), reportLines(lines, { id: `export-${id}`, filename: `${filename.replace(/\.zip$/, "")}-${id}.txt` })];
  }

  function fail(mine, text) {
    mine.setBody([h("p", { class: "problem", role: "alert" }, icon("warning"), text)], [button("Close", () => mine.close()), button("Back", again, { id: "export-back" })]);
  }

  function again() {
    dialog.close();
    show();
  }

  /** The dialog was closed: work that is under way would be for nobody. */
  function stop() {
    if (jobId !== null) server.request("cancel_job", { job_id: jobId }).catch(() => {}); // it may have ended meanwhile
    jobId = null;
  }

  return { show };
}
