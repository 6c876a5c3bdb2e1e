/** What a data set would bring, before anything is changed; then how far it is, then what it brought. */

import { button, jobPart, openDialog, progressBar } from "./dialog.js";
import { h, setText } from "./dom.js";
import { count } from "./format.js";
import { icon } from "./icons.js";
import { reportLines } from "./reportlines.js";
import { isInstructor } from "./store.js";

const ON_CONFLICT = {
  skip: ["Leave these pictures as they are", "their labels in the data set are left out"],
  add: ["Add to what is there", "instances that are there already are not added again"],
  replace: ["Replace what is there", "the instances that these pictures have now are deleted"],
};

/**
 * @param {object} parts
 * @param {HTMLElement} parts.root
 * @param {import("./store.js").Store} parts.store
 * @param {object} parts.server
 * @param {object} parts.messages
 * @param {(result: object|null) => Promise<void>} parts.onImported
 * @param {(token: string, failed: string[]) => Promise<void>} parts.takePictures the pictures alone come in
 */
export function createImportDialog({ root, store, server, messages, onImported, takePictures }) {
  /**
   * @param {string} token of the upload
   * @param {object} plan what the server found
   * @param {string[]} failed files that could not be sent, one line each
   */
  function show(token, plan, failed) {
    let kept = true; // the upload waits; the server may forget it when the dialog is closed
    let jobId = null;
    const form = h("form", { class: "form", method: "dialog" }, ...sections(plan, failed));
    const bringsNothing = plan.new_instances === 0 && plan.pictures.new === 0 && plan.conflicts.length === 0;
    const go = button(bringsNothing ? "Nothing to import" : "Import", start, { kind: "primary", id: "import-start", autofocus: !bringsNothing });
    go.disabled = bringsNothing || !isInstructor(store.state);
    const onlyPictures = button("Pictures alone", () => {
      kept = false;
      dialog.close();
      takePictures(token, failed);
    });
    onlyPictures.id = "import-pictures";
    onlyPictures.hidden = plan.pictures.new === 0;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!go.disabled) start();
    });
    const dialog = openDialog(root, {
      id: "import-dialog",
      title: "Import a data set",
      className: "import-dialog",
      body: isInstructor(store.state) ? [form] : [h("p", {}, "The instructor takes labels in; pictures you may add."), form],
      actions: [onlyPictures, h("span", { class: "spacer" }), button("Cancel", () => dialog.close(), { autofocus: bringsNothing }), go],
      onClose() {
        if (kept) server.request("drop_uploads", { token }).catch(() => {}); // it goes by itself within a day
        if (jobId !== null) server.request("cancel_job", { job_id: jobId }).catch(() => {}); // it may have ended meanwhile
      },
    });

    async function start() {
      kept = false;
      const bar = progressBar();
      const words = h("p", { role: "status" }, "Preparing…");
      bar.set(null);
      bar.element.setAttribute("aria-label", "Import");
      const chosen = form.elements.conflict?.value ?? "skip";
      const cancel = button("Cancel", () => dialog.close(), { id: "import-cancel" });
      dialog.setBody([words, bar.element], [cancel]);
      cancel.focus();
      try {
        const begun = await server.request("import_dataset", { token, on_conflict: chosen });
        jobId = begun.id;
        if (!dialog.element.isConnected) server.request("cancel_job", { job_id: jobId }).catch(() => {});
        const job = await server.follow(begun, (now) => {
          bar.set(jobPart(now));
          setText(words, now.message || (now.total ? `${now.done.toLocaleString("en")} of ${count(now.total, "picture")}` : "Writing…"));
        });
        jobId = null;
        if (job.state !== "failed") await onImported(job.result, { labels: true }); // a stop leaves pictures that came in
        finish(job);
      } catch (error) {
        jobId = null;
        finish({ state: "failed", message: error.message, lines: [] });
      }
    }

    function finish(job) {
      const words = job.message;
      if (!dialog.element.isConnected) return job.state === "failed" ? messages.error(words) : messages.info(words);
      const said = job.state === "done" ? h("p", { id: "import-summary" }, words) : h("p", { id: "import-summary", class: "problem", role: "alert" }, icon("warning"), words);
      const close = button("Close", () => dialog.close(), { kind: "primary" });
      dialog.setBody([said, reportLines([...(job.lines ?? []), ...failed], { id: "import-lines", filename: "import.txt" })].filter(Boolean), [close]);
      close.focus();
    }
  }

  /** The dry run in words. */
  function sections(plan, failed) {
    const { pictures, categories, conflicts } = plan;
    const fresh = categories.filter((category) => category.is_new);
    const facts = [
      fact(pictures.found, "picture", "pictures", [
        [pictures.matched, "here already"],
        [pictures.new, "new"],
        [pictures.missing, "missing"],
      ]),
      fact(plan.instances, "instance", "instances", [
        [plan.new_instances, "new"],
        [plan.there_already, "here already"],
      ]),
      fact(categories.length, "category", "categories", [
        [categories.length - fresh.length, "here already"],
        [fresh.length, "new"],
      ]),
    ];
    const lines = {
      missing: plan.missing,
      unreadable: [...plan.unreadable.map(({ name, reason }) => `${name}: ${reason}`), ...failed],
      notes: plan.remarks.map(({ name, text }) => `${name}: ${text}`),
    };
    return [
      h("p", { class: "import-what" }, h("strong", {}, plan.title), ` from ${plan.entry}`),
      h("ul", { class: "import-facts" }, ...facts),
      chips(categories),
      conflicts.length ? conflictChoice(conflicts) : null,
      part("missing", "Pictures that are missing", "Neither here nor in what was given: their labels are left out. Give the pictures too, or import them first.", lines.missing),
      part("unreadable", "Could not be read", "These are left out, the rest comes in.", lines.unreadable),
      part("notes", "To know", null, lines.notes),
    ].filter(Boolean);
  }

  return { show };
}

function fact(number, one, many, parts) {
  const more = parts.filter(([value]) => value > 0).map(([value, words]) => `${value.toLocaleString("en")} ${words}`);
  return h("li", {}, h("strong", {}, number.toLocaleString("en")), ` ${number === 1 ? one : many}`, more.length ? h("small", {}, more.join(" · ")) : null);
}

function chips(categories) {
  if (categories.length === 0) return null;
  return h(
    "ul",
    { class: "import-categories", "aria-label": "Categories", tabindex: "0" },
    ...categories.map(({ name, color, is_new: isNew, instances }) =>
      h(
        "li",
        { class: "import-category" },
        h("span", { class: "choice-color", style: { background: color ?? "var(--line-strong)" } }),
        h("span", { class: "choice-name" }, name),
        h("small", {}, instances.toLocaleString("en")),
        isNew ? h("em", {}, "new") : null,
      ),
    ),
  );
}

function conflictChoice(conflicts) {
  const lines = conflicts.map(({ picture, here, coming }) => `${picture}: ${here.toLocaleString("en")} here, ${coming.toLocaleString("en")} in the data set`);
  return h(
    "fieldset",
    { class: "group import-conflicts", id: "import-conflicts" },
    h("legend", {}, `${count(conflicts.length, "picture")} with instances of ${conflicts.length === 1 ? "its" : "their"} own already`),
    ...Object.entries(ON_CONFLICT).map(([value, [text, more]]) =>
      h("label", { class: "form-check" }, h("input", { type: "radio", name: "conflict", value, id: `import-${value}`, checked: value === "skip" }), h("span", {}, text), h("small", {}, more)),
    ),
    reportLines(lines, { id: "import-conflict-lines", filename: "conflicts.txt" }),
  );
}

function part(id, title, words, lines) {
  if (!lines.length) return null;
  return h(
    "details",
    { class: "group import-part", open: true },
    h("summary", {}, `${title} (${lines.length.toLocaleString("en")})`),
    words ? h("p", { class: "part-words" }, words) : null,
    reportLines(lines, { id: `import-${id}`, filename: `${id}.txt` }),
  );
}
