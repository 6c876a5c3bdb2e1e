/** What stands above the gallery: how it is sorted, what it shows, how much that is, and the palette. */

import { h, setAttribute, setText } from "./dom.js";
import { count } from "./format.js";
import { iconButton } from "./header.js";

const ORDERS = {
  picture: "As the pictures are listed",
  odd: "Odd ones first",
  newest: "Newest first",
  least_sure: "Lowest predicted IoU first",
  smallest: "Smallest first",
  largest: "Largest first",
};
const ORIGINS = { click: "clicked", auto: "accepted proposals", import: "imported" };

/**
 * @param {object} parts
 * @param {object} parts.state
 * @param {() => void} parts.onFilter another order or filter was chosen
 * @param {() => void} parts.onUndo
 * @param {() => void} parts.onRedo
 * @param {(category: object) => void} parts.onCategory a category of the palette was clicked
 */
export function createGalleryBar({ state, onFilter, onUndo, onRedo, onCategory }) {
  const order = choice("gallery-order", "Sort", ORDERS);
  const category = choice("gallery-category", "Category", {});
  const labeler = choice("gallery-labeler", "Labeler", {});
  const origin = choice("gallery-origin", "Made by", { "": "However made", ...ORIGINS });
  const number = h("span", { class: "gallery-count" });
  const words = h("span", { id: "gallery-words", class: "gallery-words", role: "status" });
  const undo = iconButton("gallery-undo", "undo", "Undo what was done here", "Ctrl+Z", onUndo);
  const redo = iconButton("gallery-redo", "redo", "Redo", "Ctrl+Shift+Z", onRedo);
  const palette = h("div", { class: "gallery-palette instructors", role: "toolbar", "aria-label": "Give the selected ones a category" });
  const element = h("div", { class: "gallery-bar" }, order, category, labeler, origin, number, words, h("span", { class: "spacer" }), undo, redo);

  function choice(id, label, options) {
    const field = h("select", { id, class: "select", "aria-label": label });
    fill(field, options);
    field.addEventListener("change", onFilter);
    return field;
  }

  function paletteButton(one) {
    return h(
      "button",
      { type: "button", class: "gallery-category", style: { "--color": one.color }, dataset: { id: one.id }, onclick: () => onCategory(one) },
      one.key ? h("kbd", {}, one.key.toUpperCase()) : null,
      h("span", { class: "swatch small" }),
      h("span", { class: "gallery-name" }, one.name),
    );
  }

  return {
    element,
    palette,
    say: (text) => setText(words, text),
    /** The arguments of the call "gallery". */
    wanted: () => ({
      order: order.value,
      category_id: category.value ? Number(category.value.slice(1)) : null,
      of_labeler: labeler.value || null,
      origin: origin.value || null,
    }),
    isFiltered: () => Boolean(category.value || labeler.value || origin.value),
    setLabelers: (names) => fill(labeler, { "": "All labelers", ...Object.fromEntries(names.map((name) => [name, name])) }),
    /** The categories have changed, or (chosen) one of them is to be shown. */
    setCategories(chosen) {
      const options = state.categories.map((one) => [`c${one.id}`, `${one.name} (${one.instances.toLocaleString("en")})`]);
      fill(category, { "": "All categories", ...Object.fromEntries(options) }); // a plain number would be sorted to the front
      if (chosen) category.value = `c${chosen}`;
      palette.replaceChildren(...state.categories.map(paletteButton));
    },
    tell({ selected, listed, canUndo, canRedo }) {
      setText(number, selected ? `${selected.toLocaleString("en")} of ${count(listed, "instance")} selected` : count(listed, "instance"));
      setAttribute(undo, "disabled", !canUndo);
      setAttribute(redo, "disabled", !canRedo);
    },
  };
}

function fill(field, options) {
  const before = field.value;
  field.replaceChildren(...Object.entries(options).map(([value, text]) => h("option", { value }, text)));
  field.value = before in options ? before : (Object.keys(options)[0] ?? "");
}
