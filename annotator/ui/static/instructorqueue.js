/** What the model is doing, and what waits for it. */

import { jobPart, progressBar } from "./dialog.js";
import { h, keyed, setText } from "./dom.js";
import { count } from "./format.js";
import { icon } from "./icons.js";

const JOB_WORDS = { propose: "Proposing masks", export: "Export", import: "Import", inspect: "Looking at an import", backup: "Backup", cutout: "Cut-outs", model: "Changing the model", look: "Looking at the masks", check: "Checking a backup", restore: "Restoring a backup" };

export function createQueueCard() {
  const model = h("span", { class: "status-total" });
  const now = h("p", { id: "queue-now", class: "card-line" });
  const encodings = h("ul", { class: "card-list" });
  const jobs = h("ul", { class: "card-list" });
  const element = h("section", { class: "card", id: "class-queue", "aria-label": "Model" }, h("header", { class: "card-head" }, h("h3", {}, icon("model"), "Model"), model), now, encodings, jobs);

  return {
    element,
    show(queue) {
      setText(model, `${queue.model}, ${queue.device.toUpperCase()}`);
      const waiting = queue.encodings_total - queue.encodings.filter((one) => one.running).length;
      const parts = [
        queue.answering ? `${count(queue.answering, "click")} being answered` : "",
        waiting ? `${count(waiting, "picture")} waiting to be encoded` : "",
      ].filter(Boolean);
      setText(now, parts.join(", ") || (queue.encodings.length || queue.jobs.length ? "No click waits." : "Idle."));
      keyed(encodings, queue.encodings, {
        key: (one) => `${one.name} ${one.image_id}`,
        create: () => h("li", { class: "card-item" }, h("span", { class: "card-item-name" }), h("span", { class: "card-item-note" })),
        update(row, one) {
          setText(row.querySelector(".card-item-name"), one.name);
          const who = one.askers.length ? ` for ${one.askers.join(", ")}` : one.urgent ? "" : " ahead";
          setText(row.querySelector(".card-item-note"), `${one.running ? "encoding" : "waits"}${who}, ${one.elapsed_s.toFixed(0)} s`);
        },
      });
      keyed(jobs, queue.jobs, {
        key: (job) => job.id,
        create() {
          const bar = progressBar();
          const row = h("li", { class: "card-item job-item" }, h("span", { class: "card-item-name" }), h("span", { class: "card-item-note" }), bar.element);
          row.bar = bar;
          return row;
        },
        update(row, job) {
          setText(row.querySelector(".card-item-name"), `${JOB_WORDS[job.kind] ?? job.kind}${job.owner ? `, ${job.owner}` : ""}`);
          const left = job.seconds_left === null ? "" : job.seconds_left > 90 ? `${Math.round(job.seconds_left / 60)} min left` : `${Math.round(job.seconds_left)} s left`;
          setText(row.querySelector(".card-item-note"), left);
          row.bar.set(jobPart(job));
        },
      });
    },
  };
}
