/** Export now, back up now, and the backups that there are. */

import { button, jobPart, progressBar } from "./dialog.js";
import { h, keyed, setText } from "./dom.js";
import { bytes, exactly } from "./format.js";
import { icon } from "./icons.js";
import { createRestore } from "./instructorrestore.js";

/**
 * @param {object} parts
 * @param {HTMLElement} parts.root
 * @param {ReturnType<import("./server.js").createServer>} parts.server
 * @param {(name: string, args: object) => Promise<any>} parts.change
 * @param {() => void} parts.showExport
 * @param {() => Promise<void>} parts.refresh
 */
export function createBackups({ root, server, change, showExport, refresh }) {
  let followed = null; // the id of the backup that is under way
  const exportNow = button("Export now…", showExport, { id: "class-export" });
  const start = button("Back up now", begin, { kind: "primary", id: "back-up" });
  const cancel = button("Cancel", () => followed && change("cancel_job", { job_id: followed }), { id: "back-up-cancel" });
  const bar = progressBar();
  bar.element.setAttribute("aria-label", "Backup");
  const words = h("p", { id: "back-up-words", class: "card-note", role: "status" });
  const progress = h("div", { class: "backup-progress", hidden: true }, bar.element, cancel);
  const list = h("ul", { class: "card-list", id: "backups" });
  const how = h("p", { class: "card-note", id: "restore-note" });
  const restore = createRestore({ root, server });
  const fromFile = button("Restore from a file…", restore.chooseFile, { id: "restore-from-file" });

  async function begin() {
    start.disabled = true;
    const job = await change("back_up", {});
    if (job) await follow(job);
    start.disabled = followed !== null;
  }

  async function follow(job) {
    if (followed === job.id) return;
    followed = job.id;
    start.disabled = true;
    progress.hidden = false;
    setText(words, "Backing up; labeling goes on meanwhile…");
    try {
      const ended = await server.follow(job, (now) => bar.set(jobPart(now)));
      const said = ended.state === "done" ? `Done: ${ended.lines.join("; ")}.` : ended.message;
      setText(words, said);
      await refresh();
    } catch (error) {
      setText(words, error.message);
    } finally {
      followed = null;
      progress.hidden = true;
      start.disabled = false;
    }
  }

  const element = h(
    "section",
    { class: "card", "aria-label": "Data" },
    h("header", { class: "card-head" }, h("h3", {}, icon("archive"), "Data")),
    h("div", { class: "card-buttons start" }, exportNow, start),
    progress,
    words,
    list,
    h("div", { class: "card-buttons start" }, fromFile),
    how,
    restore.element,
  );
  return {
    element,
    show({ backups, queue, restoring: { obstacle, last } }) {
      fromFile.hidden = obstacle !== null;
      const restored = last && `Restored ${exactly(last.at)} by ${last.by}: the backup of ${exactly(last.made_at)}; what was there before is the one of that time.`;
      setText(how, obstacle ?? [`The five newest stay in the workspace.`, restored].filter(Boolean).join(" "));
      const running = queue.jobs.find((job) => job.kind === "backup");
      if (running && followed === null) follow({ ...running, state: "running" }); // begun in another window
      keyed(list, backups, {
        key: (one) => one.name,
        create: (one) => h("li", { class: "card-item" }, h("a", { class: "backup-link", href: new URL(one.url, document.baseURI).href, download: one.name }, icon("download"), exactly(one.at)), h("span", { class: "card-item-end" }, h("span", { class: "card-item-note" }, bytes(one.bytes)), button("Restore…", () => restore.choose(one.name), { kind: "restore" }))),
        update(element) {
          element.querySelector(".restore").hidden = obstacle !== null;
        },
      });
    },
  };
}
