/** Some of the categories: a list to tick, with the number of instances that each has. */

import { h, setText } from "./dom.js";
import { count } from "./format.js";

const SEARCH_FROM = 10; // categories; fewer are seen at a glance

/**
 * @param {object[]} categories in the user's order
 * @param {string[]|null} chosen names; null is all
 * @param {() => void} onChange
 * @returns {{element: HTMLElement, read: () => string[], isAll: () => boolean, showCounts: (counts: Record<string, number>) => void}}
 */
export function createCategoryChoice(categories, chosen, onChange) {
  const known = new Set(categories.map((category) => category.name));
  const some = (chosen ?? []).filter((name) => known.has(name)); // others were renamed or deleted since
  const words = h("small", { class: "choice-words", "aria-live": "polite" });
  const rows = categories.map((category) => {
    const input = h("input", { type: "checkbox", name: "category", value: category.name, checked: some.length === 0 || some.includes(category.name) });
    const number = h("small", {}, category.instances.toLocaleString("en"));
    const square = h("span", { class: "choice-color", style: { background: category.color } });
    return { category, input, number, element: h("label", { class: "category-choice", title: category.name }, input, square, h("span", { class: "choice-name" }, category.name), number) };
  });
  const list = h("div", { class: "category-choices", role: "group", "aria-label": "Categories to export", "aria-describedby": "export-problem-categories" }, ...rows.map((row) => row.element));
  const search = h("input", { class: "field", type: "search", placeholder: "Find a category", "aria-label": "Find a category", hidden: categories.length < SEARCH_FROM });
  search.addEventListener("input", () => {
    const wanted = search.value.trim().toLocaleLowerCase();
    for (const row of rows) row.element.hidden = !row.category.name.toLocaleLowerCase().includes(wanted);
  });
  search.addEventListener("change", (event) => event.stopPropagation()); // no choice of its own
  const setAll = (on) => () => {
    for (const row of rows) if (!row.element.hidden) row.input.checked = on;
    changed();
  };
  const all = h("button", { type: "button", class: "button link small", id: "export-categories-all", onclick: setAll(true) }, "All");
  const none = h("button", { type: "button", class: "button link small", id: "export-categories-none", onclick: setAll(false) }, "None");
  const element = h("div", { class: "categories-choice" }, h("div", { class: "choice-head" }, words, search, h("span", { class: "spacer" }), all, none), list);

  const read = () => rows.filter((row) => row.input.checked).map((row) => row.category.name);

  function sayHowMany() {
    const number = read().length;
    setText(words, number === rows.length ? `all ${count(number, "category", "categories")}` : `${number} of ${count(rows.length, "category", "categories")}`);
  }

  function changed() {
    sayHowMany();
    onChange();
  }

  list.addEventListener("change", changed);
  sayHowMany();
  return {
    element,
    read,
    isAll: () => rows.every((row) => row.input.checked),
    showCounts(counts) {
      for (const { category, number } of rows) setText(number, (counts[category.id] ?? 0).toLocaleString("en"));
    },
  };
}
