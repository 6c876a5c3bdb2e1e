/** The palette: one row a category, with its key, colour and number of instances. */

import { h, keyed, setAttribute, setText } from "./dom.js";
import { icon } from "./icons.js";
import { isInstructor } from "./store.js";
import { tip } from "./tooltip.js";

/**
 * @param {import("./store.js").Store} store
 * @param {{pick: (category: object) => boolean, add: (name: string) => Promise<void>, update: (category: object, change: object) => Promise<void>,
 *   order: (ids: number[]) => Promise<void>, edit: (category: object) => void}} actions `pick` tells whether it did something
 * @returns {{element: HTMLElement, rename: (id: number) => void, move: (id: number, step: number) => void, focusAdd: () => void}}
 */
export function createCategories(store, actions) {
  const { state } = store;
  const list = h("ul", { class: "category-list", "aria-label": "Categories" });
  const note = h("p", { class: "panel-note" });
  const empty = h("p", { class: "empty-note" }, "A category is the name of what you mark: cup, road, cell. Add the first one below.");
  const field = h("input", {
    id: "add-category",
    class: "field",
    type: "text",
    placeholder: "Add a category…",
    "aria-label": "Add a category: type a name, then Enter",
    maxlength: 100,
    autocomplete: "off",
    spellcheck: "false",
    enterkeyhint: "done",
  });
  const hint = h("kbd", { class: "field-key" }, "N");
  const lock = h("span", { id: "categories-locked", class: "categories-locked", hidden: true }, icon("lock"), "locked");

  field.addEventListener("keydown", async (event) => {
    if (event.key === "Escape") {
      field.value = "";
      field.blur();
    }
    if (event.key !== "Enter" || event.isComposing) return;
    const name = field.value.trim();
    if (!name) return field.blur();
    field.value = "";
    if (!(await actions.add(name)) && !field.value) field.value = name; // a refused name is there to be mended
  });

  function create(category) {
    const color = h("input", { type: "color", class: "swatch-input", tabindex: "-1" });
    color.addEventListener("input", () => color.parentElement.style.setProperty("--color", color.value));
    color.addEventListener("change", () => actions.update(byId(category.id), { color: color.value }));
    const pick = h(
      "button",
      { type: "button", class: "category-pick", draggable: "false" },
      h("kbd", { class: "category-key" }),
      h("span", { class: "category-name" }),
      h("span", { class: "category-enter", "aria-hidden": "true" }, "⏎"),
      h("span", { class: "category-count" }),
    );
    let idleClick = false;
    pick.addEventListener("click", (event) => {
      if (event.detail > 1) return; // the second click of a double click is no second choice
      idleClick = !actions.pick(byId(category.id));
      if (event.detail > 0) document.getElementById("canvas")?.focus({ preventScroll: true }); // the mouse leaves the keys with the canvas
    });
    pick.addEventListener("dblclick", () => idleClick && rename(category.id));
    const edit = tip(h("button", { type: "button", class: "icon-button category-edit" }, icon("edit")), "Name, colour, key, delete…");
    edit.addEventListener("click", () => actions.edit(byId(category.id)));
    const swatch = tip(h("label", { class: "swatch" }, color), "Change the colour");
    const row = h("li", { class: "category", draggable: "true", dataset: { id: category.id } }, swatch, pick, edit);
    startDragging(row);
    return row;
  }

  function update(row, category, index) {
    const pick = row.querySelector(".category-pick");
    pick.id = `category-${index + 1}`;
    row.dataset.name = category.name;
    setText(pick.querySelector(".category-key"), category.key?.toUpperCase() ?? "");
    setText(pick.querySelector(".category-name"), category.name);
    setText(pick.querySelector(".category-count"), String(category.instances));
    row.draggable = isInstructor(state) && !row.querySelector(".category-rename");
    row.style.setProperty("--color", category.color);
    const swatch = row.querySelector(".swatch");
    swatch.style.setProperty("--color", category.color);
    const input = row.querySelector(".swatch-input");
    if (input.value !== category.color) input.value = category.color;
    input.setAttribute("aria-label", `Colour of ${category.name}`);
    input.disabled = !isInstructor(state);
    setAttribute(row, "aria-current", category.id === state.lastCategoryId ? "true" : null);
    tip(pick, `Save as ${category.name}`, category.key?.toUpperCase() ?? "");
  }

  const byId = (id) => state.categories.find((category) => category.id === id);

  /** Type the name in its place: Enter keeps it, Esc leaves it as it was. */
  function rename(id) {
    const row = [...list.children].find((one) => Number(one.dataset.id) === id);
    const category = byId(id);
    if (!isInstructor(state) || !row || !category || row.querySelector(".category-rename")) return;
    const input = h("input", { class: "field category-rename", type: "text", maxlength: 100, "aria-label": `New name for ${category.name}` });
    input.value = category.name;
    const pick = row.querySelector(".category-pick");
    pick.hidden = true;
    row.draggable = false; // or the text could not be marked with the mouse
    pick.after(input);
    let open = true;
    const finish = (keep) => {
      if (!open) return;
      open = false;
      const name = input.value.trim();
      const focused = document.activeElement === input;
      input.remove();
      pick.hidden = false;
      row.draggable = true;
      if (focused) pick.focus();
      if (keep && name && name !== category.name) actions.update(byId(id), { name });
    };
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.isComposing) finish(true);
      if (event.key === "Escape") finish(false);
      event.stopPropagation();
    });
    input.addEventListener("blur", () => finish(true));
    input.focus();
    input.select();
  }

  let dragged = null;
  function startDragging(row) {
    row.addEventListener("dragstart", (event) => {
      dragged = row;
      row.classList.add("dragged");
      event.dataTransfer.effectAllowed = "move";
      event.dataTransfer.setData("text/plain", row.dataset.name);
    });
    row.addEventListener("dragend", () => {
      row.classList.remove("dragged");
      if (dragged) keyedOrder();
      dragged = null;
    });
  }
  /** Put the dragged row where the mouse is: before or after the row under it. */
  function layDown(event) {
    event.preventDefault();
    const over = event.target.closest(".category");
    if (!over || over === dragged) return;
    const box = over.getBoundingClientRect();
    if (event.clientY < box.top + box.height / 2) over.before(dragged);
    else over.after(dragged);
  }
  list.addEventListener("dragover", (event) => {
    if (dragged) layDown(event);
  });
  list.addEventListener("drop", (event) => {
    if (!dragged) return;
    layDown(event); // a quick drag may end before it was seen over its last row
    dragged = null;
    const ids = [...list.children].map((row) => Number(row.dataset.id));
    actions.order(ids);
  });
  /** Put the rows back as the categories are: the drag was let go elsewhere. */
  function keyedOrder() {
    keyed(list, state.categories, { key: (category) => category.id, create, update });
  }

  list.addEventListener("keydown", (event) => {
    const row = event.target.closest(".category");
    if (!row) return;
    if (event.key === "F2") {
      event.preventDefault();
      event.stopPropagation();
      rename(Number(row.dataset.id));
    }
    if (!event.altKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    move(Number(row.dataset.id), event.key === "ArrowUp" ? -1 : 1);
    row.querySelector(".category-pick").focus(); // the row was taken out and put in again
  });

  /** One place up (-1) or down (1). */
  function move(id, step) {
    const ids = state.categories.map((category) => category.id);
    const from = ids.indexOf(id);
    const to = from + step;
    if (!isInstructor(state) || from < 0 || to < 0 || to >= ids.length) return;
    ids.splice(to, 0, ...ids.splice(from, 1));
    actions.order(ids);
  }

  store.on(["locks", "person"], () => {
    const locked = state.locks.categories;
    lock.hidden = !locked;
    field.disabled = locked && !isInstructor(state);
    field.placeholder = field.disabled ? "Locked by the instructor" : "Add a category…";
    hint.hidden = field.disabled;
    tip(lock, isInstructor(state) ? "Locked: labelers can neither add nor change categories" : "The instructor has locked the categories");
  });
  store.on(["categories", "lastCategoryId", "ready", "person"], () => {
    if (!dragged) keyedOrder();
    empty.hidden = !state.ready || state.categories.length > 0;
    setText(note, state.categories.length > 0 ? "click or key saves" : "");
  });

  const element = h(
    "section",
    { class: "panel categories", "aria-label": "Categories" },
    h("header", { class: "panel-head" }, h("h2", {}, "Categories"), lock, note),
    h("div", { class: "panel-scroll" }, list, empty),
    h("div", { class: "field-row" }, icon("plus"), field, hint),
  );
  return { element, rename, move, focusAdd: () => field.focus() };
}
