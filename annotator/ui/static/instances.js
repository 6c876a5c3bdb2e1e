/** What is saved on this picture: one row an instance, in the order of their numbers on the canvas. */

import { h, keyed, setAttribute, setText } from "./dom.js";
import { score, share } from "./format.js";
import { icon } from "./icons.js";
import { categoryOf, isInstructor } from "./store.js";
import { tip } from "./tooltip.js";

/**
 * @param {import("./store.js").Store} store
 * @param {{select: (id: number|null) => void, editInstance: (id: number) => void, deleteInstance: (id: number) => void,
 *   setCategory: (id: number, categoryId: number) => void, cutOut: (id: number) => void}} actions
 * @param {() => object|null} foreseenState
 * @returns {HTMLElement}
 */
export function createInstances(store, actions, foreseenState) {
  const { state } = store;
  const title = h("h2", {}, "Instances");
  const list = h("ul", { class: "instance-list", "aria-label": "Instances on this picture" });
  const empty = h("p", { class: "empty-note" }, "Nothing is saved on this picture yet.");

  function create(instance) {
    const choice = h("select", { class: "select flat instance-category", "aria-label": "Category" });
    choice.addEventListener("change", () => {
      actions.setCategory(instance.id, Number(choice.value));
      choice.blur();
    });
    const edit = tip(h("button", { type: "button", class: "icon-button of-owner" }, icon("edit")), "Edit its prompt", "S");
    const cut = tip(h("button", { type: "button", class: "icon-button" }, icon("scissors")), "Cut out", "C");
    const remove = tip(h("button", { type: "button", class: "icon-button of-owner" }, icon("trash")), "Delete", "X");
    edit.addEventListener("click", () => actions.editInstance(instance.id));
    cut.addEventListener("click", () => actions.cutOut(instance.id));
    remove.addEventListener("click", () => actions.deleteInstance(instance.id));
    const row = h(
      "li",
      { class: "instance", id: `instance-${instance.id}`, dataset: { id: instance.id } },
      h("button", { type: "button", class: "instance-number" }),
      h("span", { class: "swatch small" }),
      choice,
      h("span", { class: "instance-area" }),
      h("span", { class: "instance-iou" }),
      h("span", { class: "instance-actions" }, edit, cut, remove),
    );
    row.addEventListener("pointerenter", () => store.set({ hoveredId: instance.id }));
    row.addEventListener("pointerleave", () => store.set({ hoveredId: null }));
    row.addEventListener("click", (event) => {
      if (event.target.closest(".icon-button, select")) return;
      actions.select(state.selectedId === instance.id ? null : instance.id);
    });
    return row;
  }

  function update(row, instance, index) {
    const category = categoryOf(state, instance.category_id);
    const image = state.session.image;
    setText(row.querySelector(".instance-number"), String(index + 1));
    row.querySelector(".instance-number").setAttribute("aria-label", `Instance ${index + 1}, ${category?.name ?? "?"}: select`);
    row.style.setProperty("--color", category?.color ?? "#888888");
    row.classList.toggle("pending", Boolean(instance.pending));
    row.classList.toggle("editing", foreseenState().editing === instance.id);
    setAttribute(row, "aria-selected", String(state.selectedId === instance.id));
    setAttribute(row, "aria-current", state.selectedId === instance.id ? "true" : null);
    const choice = row.querySelector("select");
    if (choice.offered !== state.categories) {
      choice.offered = state.categories;
      choice.replaceChildren(...state.categories.map((one) => h("option", { value: one.id }, one.name)));
      choice.value = "";
    }
    if (choice.value !== String(instance.category_id)) choice.value = String(instance.category_id);
    const owner = isTheirs(instance) ? instance.labeler || "somebody" : null;
    choice.disabled = Boolean(instance.pending) || owner !== null;
    choice.title = owner === null ? "" : `${owner}'s: only ${owner} or the instructor can change it`;
    for (const own of row.querySelectorAll(".of-owner")) own.disabled = owner !== null;
    const area = row.querySelector(".instance-area");
    setText(area, share(instance.area, image.width * image.height));
    tip(area, `${instance.area.toLocaleString("en")} pixels`);
    const iou = row.querySelector(".instance-iou");
    setText(iou, score(instance.predicted_iou));
    tip(iou, "Predicted IoU");
  }

  /** Whether somebody else saved it, and only they and the instructor may change it: annotator/ownership.py. */
  function isTheirs({ labeler }) {
    return state.person.signed_in && !isInstructor(state) && labeler !== undefined && labeler !== state.person.name;
  }

  function show() {
    const session = foreseenState();
    const instances = session?.instances ?? [];
    keyed(list, instances, { key: (instance) => instance.id, create, update });
    setText(title, instances.length ? `Instances (${instances.length})` : "Instances");
    empty.hidden = !session || instances.length > 0;
  }

  store.on(["session", "pending", "categories", "selectedId"], show);
  store.on(["selectedId"], () => {
    if (state.selectedId !== null) document.getElementById(`instance-${state.selectedId}`)?.scrollIntoView({ block: "nearest" });
  });
  store.on(["hoveredId"], () => {
    for (const row of list.children) row.classList.toggle("hovered", row.dataset.id === String(state.hoveredId));
  });

  return h(
    "section",
    { class: "panel instances", "aria-label": "Instances" },
    h("header", { class: "panel-head" }, title),
    h("div", { class: "panel-scroll" }, list, empty),
  );
}
