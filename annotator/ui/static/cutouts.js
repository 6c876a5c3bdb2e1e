/** Cutting instances out: a dialog with a preview before and after, what can be chosen, and the files to download. */

import { createComparison } from "./comparison.js";
import { createCutoutForm, zipChoices } from "./cutoutform.js";
import { button, jobPart, openDialog, progressBar } from "./dialog.js";
import { h, setText } from "./dom.js";
import { count } from "./format.js";
import { icon } from "./icons.js";
import { BROWSER, recall, remember } from "./memory.js";

const KEY = "cutout";
const CALM_MS = 120; // a preview is asked for when nothing was changed for so long

/**
 * @param {object} parts
 * @param {HTMLElement} parts.root
 * @param {import("./store.js").Store} parts.store
 * @param {ReturnType<import("./server.js").createServer>} parts.server
 * @param {() => Promise<void>} parts.settled waits for unsaved actions
 * @param {ReturnType<import("./messages.js").createMessages>} parts.messages
 */
export function createCutouts({ root, store, server, settled, messages }) {
  const { state } = store;

  /**
   * Open the dialog: for one instance, for all of the shown picture, or for a category, wherever it is.
   *
   * @param {{instanceId?: number|null, categoryId?: number|null}} [what]
   */
  async function show({ instanceId = null, categoryId = null } = {}) {
    try {
      await settled(); // what was just saved can be cut out
      const choices = await server.request("cutout_choices", { image_id: state.currentId, category_id: categoryId });
      if (document.querySelector("dialog[open]")) return; // asked for twice
      open(choices, instanceId, categoryId);
    } catch (error) {
      (error.kind === "cutout" ? messages.info : messages.error)(error.message);
    }
  }

  function open(choices, instanceId, categoryId) {
    const { image, instances } = choices;
    const one = instances.find((instance) => instance.id === instanceId) ?? instances.find((instance) => instance.category_id === categoryId);
    const chosen = one ? [one.id] : instances.map((instance) => instance.id);
    const comparison = createComparison();
    const busy = h("span", { class: "spinner", hidden: true });
    const facts = h("span", { id: "cutout-facts" });
    const notes = h("ul", { id: "cutout-notes", class: "cutout-notes", "aria-live": "polite" });
    const problem = h("p", { id: "cutout-problem", class: "problem", role: "alert", hidden: true });
    const work = h("div", { id: "cutout-work", class: "cutout-work", role: "status", hidden: true });
    const form = createCutoutForm({ state, choices, chosen, before: recall(BROWSER, KEY), onChange: later, onProblem: say });
    let turn = 0; // of several previews asked for, the last counts
    let timer = 0;
    let job = null; // the one that is under way

    const choicesOfZip = zipChoices(state, choices, one?.category_id ?? null);
    const scope = h("select", { id: "cutout-scope", class: "select", "aria-label": "What goes into the zip" }, ...choicesOfZip.map(([value, words]) => h("option", { value }, words)));
    scope.value = categoryId !== null ? "category" : "picture";
    const zip = button("Download zip", () => make("cutout_zip", { chosen: choicesOfZip.find(([value]) => value === scope.value)[2] }), { id: "cutout-zip" });
    const save = button("Download", () => make("cutout_file", { image_id: image.id, instance_ids: form.picked() }), { kind: "primary", id: "cutout-download" });
    save.prepend(icon("download"));

    const dialog = openDialog(root, {
      id: "cutout-dialog",
      title: "Cut out",
      className: "cutouts",
      body: [
        h(
          "section",
          { class: "cutout-preview", "aria-label": "Preview" },
          comparison.element,
          h("p", { class: "cutout-caption" }, h("strong", {}, image.name), facts, busy),
          notes,
          problem,
        ),
        form.element,
      ],
      actions: [work, h("span", { class: "spacer" }), h("span", { class: "cutout-many" }, scope, zip), save],
      onClose() {
        turn += 1;
        clearTimeout(timer);
        comparison.close();
        remember(BROWSER, KEY, form.lasting());
        stop();
      },
    });

    function say(text) {
      problem.replaceChildren(icon("warning"), text);
      problem.hidden = !text;
    }

    function later() {
      clearTimeout(timer);
      timer = setTimeout(preview, CALM_MS);
    }

    async function preview() {
      const mine = (turn += 1);
      const ids = form.picked();
      save.disabled = ids.length === 0;
      if (ids.length === 0) return say("Choose at least one instance.");
      busy.hidden = false;
      try {
        const found = await server.request("cutout_preview", { image_id: image.id, instance_ids: ids, options: form.options() });
        if (mine !== turn) return;
        await comparison.show(found);
        if (mine !== turn) return;
        setText(facts, `${found.width}×${found.height} pixels`);
        notes.replaceChildren(...found.notes.map((line) => h("li", {}, line)));
        say("");
        dialog.element.dataset.shown = String(mine);
      } catch (error) {
        if (mine === turn) say(error.message);
      } finally {
        if (mine === turn) busy.hidden = true;
      }
    }

    /** Have the server write a file, then give it to the browser to keep. */
    async function make(call, args) {
      const bar = progressBar();
      bar.element.setAttribute("aria-label", "Cutting out");
      const words = h("span", { class: "cutout-words" }, "Cutting out…");
      bar.set(null);
      work.replaceChildren(words, bar.element, button("Cancel", stop, { id: "cutout-cancel" }));
      work.hidden = false;
      save.disabled = zip.disabled = true;
      try {
        job = await server.request(call, { ...args, options: form.options() });
        if (!dialog.element.isConnected) return stop();
        const ended = await server.follow(job, (now) => {
          bar.set(jobPart(now));
          if (now.total > 1) setText(words, `${now.done} of ${count(now.total, "picture")}`);
        });
        job = null;
        if (dialog.element.isConnected) finish(ended);
      } catch (error) {
        job = null;
        work.replaceChildren(h("span", { class: "problem" }, icon("warning"), error.message));
      } finally {
        save.disabled = zip.disabled = false;
      }
    }

    function finish(ended) {
      if (ended.state !== "done") {
        const text = ended.state === "cancelled" ? "It was cancelled; nothing was written." : ended.message;
        work.replaceChildren(h("span", { class: "problem" }, icon("warning"), text));
        return;
      }
      const { url, filename } = ended.result;
      const link = h("a", { id: "cutout-link", class: "cutout-link", href: new URL(url, document.baseURI).href, download: filename }, filename);
      const left = ended.lines.filter((line) => line.startsWith("left out"));
      work.replaceChildren(icon("check"), link, left.length ? h("span", { class: "problem", title: left.join("\n") }, `${left.length} left out`) : "");
      link.click();
    }

    /** What is under way would be for nobody. */
    function stop() {
      if (job !== null) server.request("cancel_job", { job_id: job.id }).catch(() => {}); // it may have ended meanwhile
    }

    preview();
  }

  return { show };
}
