/** How far the pictures are: one bar, a part for each status, and the numbers below it. */

import { h, setText } from "./dom.js";
import { icon } from "./icons.js";
import { STATUS_WORDS } from "./pictures.js";

const ORDER = ["accepted", "done", "submitted", "returned", "in_progress", "new"];

/** @returns {{element: HTMLElement, show: (counts: Record<string, number>) => void}} */
export function createStatusBar() {
  const parts = Object.fromEntries(ORDER.map((name) => [name, h("span", { class: "status-part", dataset: { status: name } })]));
  const numbers = Object.fromEntries(ORDER.map((name) => [name, h("strong", {})]));
  const total = h("span", { class: "status-total" });
  const bar = h("div", { class: "status-bar", role: "img" }, ...ORDER.map((name) => parts[name]));
  const legend = h(
    "ul",
    { class: "status-legend" },
    ...ORDER.map((name) => h("li", { id: `status-count-${name}`, dataset: { status: name } }, h("span", { class: "status-sign" }, icon(name)), numbers[name], STATUS_WORDS[name].toLowerCase())),
  );
  return {
    element: h("section", { class: "card class-status", "aria-label": "Pictures" }, h("header", { class: "card-head" }, h("h3", {}, "Pictures"), total), bar, legend),
    show(counts) {
      const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
      setText(total, all.toLocaleString("en"));
      for (const name of ORDER) {
        parts[name].style.flexGrow = String(counts[name] ?? 0);
        parts[name].hidden = !counts[name];
        setText(numbers[name], (counts[name] ?? 0).toLocaleString("en"));
        numbers[name].parentElement.hidden = !counts[name] && ["submitted", "returned", "accepted"].includes(name);
      }
      bar.setAttribute("aria-label", ORDER.map((name) => `${counts[name] ?? 0} ${STATUS_WORDS[name]}`).join(", "));
    },
  };
}
