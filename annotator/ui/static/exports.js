/** The export dialog: format and choices, then how far it is, then the report and the link to download. */

import { button, jobPart, openDialog, progressBar } from "./dialog.js";
import { h, setText } from "./dom.js";
import { count } from "./format.js";
import { icon } from "./icons.js";
import { BROWSER, recall, remember } from "./memory.js";

const KEY = "export";

/** @param {{root: HTMLElement, store: object, server: object, settled: () => Promise<void>}} parts `settled` waits for unsaved actions */
export function createExports({ root, store, server, settled }) {
  let dialog = null;
  let jobId = null;

  function show() {
    const { formats, images } = store.state;
    const before = recall(BROWSER, KEY) ?? {};
    const chosen = formats.some((format) => format.name === before.format) ? before.format : formats[0]?.name;
    const form = h("form", { class: "form", method: "dialog" });
    const done = images.filter((image) => image.status === "done").length;
    const pictures = checkbox("with_pictures", "With the pictures", "upright, beside the labels", before.with_pictures ?? true);
    const onlyDone = checkbox("only_done", "Only pictures marked done", `${done} of ${images.length}`, before.only_done ?? false);
    const polygons = checkbox("polygons", "Polygons in place of RLE", "less exact; holes are filled or bridged", before.polygons ?? false);
    const tolerance = h("input", {
      id: "export-tolerance", class: "field short", type: "number", name: "polygon_tolerance", min: "0", max: "20", step: "0.1", required: true,
      value: before.polygon_tolerance ?? 1,
    });
    const toleranceRow = h("label", { class: "form-row" }, h("span", {}, "Polygon tolerance"), tolerance, h("small", {}, "pixels"));
    form.append(
      h(
        "fieldset",
        { class: "choices", id: "export-format" },
        h("legend", {}, "Format"),
        ...formats.map((format) =>
          h("label", { class: "choice" }, h("input", { type: "radio", name: "format", value: format.name, checked: format.name === chosen, autofocus: format.name === chosen }), h("span", {}, format.title)),
        ),
      ),
      pictures.row,
      onlyDone.row,
      polygons.row,
      toleranceRow,
    );
    const enable = () => {
      const format = form.elements.format.value;
      const isCoco = format.startsWith("coco");
      polygons.input.disabled = !isCoco;
      polygons.row.classList.toggle("disabled", !isCoco);
      tolerance.disabled = isCoco ? !polygons.input.checked : format.includes("detect");
      toleranceRow.classList.toggle("disabled", tolerance.disabled);
    };
    form.addEventListener("change", enable);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      start(options(form));
    });
    const go = button("Export", () => form.reportValidity() && start(options(form)), { kind: "primary", id: "export-start" });
    dialog = openDialog(root, {
      id: "export-dialog",
      title: "Export",
      body: [form],
      actions: [button("Cancel", () => dialog.close()), go],
      onClose: stop,
    });
    enable();
  }

  function options(form) {
    const { format, with_pictures, only_done, polygons, polygon_tolerance } = form.elements;
    return {
      format: format.value,
      with_pictures: with_pictures.checked,
      polygons: polygons.checked && !polygons.disabled,
      polygon_tolerance: Number(polygon_tolerance.value),
      only_done: only_done.checked,
    };
  }

  async function start(chosen) {
    remember(BROWSER, KEY, chosen);
    const mine = dialog;
    const bar = progressBar();
    const words = h("p", { class: "export-words", role: "status" }, "Preparing…");
    bar.set(null);
    bar.element.setAttribute("aria-label", "Export");
    mine.setBody([words, bar.element], [button("Cancel", () => mine.close(), { id: "export-cancel" })]);
    try {
      await settled(); // what was just saved belongs into the export
      const begun = await server.request("export", chosen);
      jobId = begun.id;
      if (!mine.element.isConnected) return stop();
      const job = await server.follow(begun, (now) => {
        bar.set(jobPart(now));
        setText(words, now.message || (now.total ? `${now.done} of ${count(now.total, "picture")}` : "Writing…"));
      });
      jobId = null;
      if (mine.element.isConnected) finish(mine, job);
    } catch (error) {
      jobId = null;
      if (mine.element.isConnected) fail(mine, error.message, []);
    }
  }

  function finish(mine, job) {
    if (job.state !== "done") return fail(mine, job.state === "cancelled" ? "The export was cancelled." : job.message, job.lines ?? []);
    const { url, filename } = job.result;
    const link = h(
      "a",
      { id: "export-download", class: "button primary", href: new URL(url, document.baseURI).href, download: filename, autofocus: true },
      icon("download"),
      `Download ${filename}`,
    );
    mine.setBody(
      [h("p", {}, "The data set is ready."), reportLines(job.lines ?? [])],
      [button("Back", again), button("Close", () => mine.close()), link],
    );
    link.focus();
  }

  function fail(mine, text, lines) {
    mine.setBody([h("p", { class: "problem", role: "alert" }, icon("warning"), text), reportLines(lines)], [button("Close", () => mine.close()), button("Back", again)]);
  }

  const reportLines = (lines) => (lines.length ? h("ul", { id: "export-report", class: "report-lines" }, ...lines.map((line) => h("li", {}, line))) : "");

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

function checkbox(name, text, more, checked) {
  const input = h("input", { type: "checkbox", name, id: `export-${name.replaceAll("_", "-")}`, checked });
  return { input, row: h("label", { class: "form-check" }, input, h("span", {}, text), h("small", {}, more)) };
}
