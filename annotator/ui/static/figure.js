/** A figure's place on the page: its title, where it is drawn, and what is said of it. */

import { h } from "./dom.js";

/** @param {{name: string, title: string, note: string}} figure @returns `place` is where it is drawn */
export function figureCard({ name, title, note }) {
  const place = h("div", { class: "plot", role: "img", "aria-labelledby": `figure-${name}-title` });
  const element = h("section", { class: "figure", id: `figure-${name}`, "aria-labelledby": `figure-${name}-title` });
  element.append(h("h3", { id: `figure-${name}-title` }, title), place, h("p", { class: "panel-note" }, note));
  return { element, place };
}

/** The few numbers above the figures. @param {{value: string, words: string}[]} facts */
export function factList(facts) {
  return h("ul", { class: "facts" }, ...facts.map(({ value, words }) => h("li", {}, h("strong", {}, value), " ", words)));
}
