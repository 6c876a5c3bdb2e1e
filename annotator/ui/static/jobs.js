/** Long work as small cards over the canvas's corner: what it is, how far it is, and a way to stop it. */

import { button, jobPart, progressBar } from "./dialog.js";
import { h, setText } from "./dom.js";

/**
 * @returns {{element: HTMLElement, begin: (title: string, onCancel: (() => void)|null) => JobCard}}
 * @typedef {{show: (part: number|null, words: string) => void, showJob: (job: object) => void, end: () => void}} JobCard
 */
export function createJobs() {
  const element = h("div", { id: "jobs", class: "jobs", "aria-label": "Work in progress" });

  function begin(title, onCancel) {
    const words = h("span", { class: "job-words" });
    const bar = progressBar();
    const card = h("div", { class: "job", role: "group", "aria-label": title }, h("strong", {}, title), words, bar.element);
    if (onCancel) {
      const cancel = button("Cancel", () => {
        cancel.disabled = true;
        setText(cancel, "Cancelling…");
        onCancel();
      });
      cancel.classList.add("job-cancel");
      card.append(cancel);
    }
    bar.element.setAttribute("aria-label", title);
    bar.set(null);
    element.append(card);
    const show = (part, text) => {
      bar.set(part);
      setText(words, text);
    };
    return { show, showJob: (job) => show(jobPart(job), job.message ?? ""), end: () => card.remove() };
  }

  return { element, begin };
}
