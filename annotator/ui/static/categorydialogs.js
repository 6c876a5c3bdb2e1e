/** Dialogs about one category: all that can be said of it, and where its instances go when it is deleted. */

import { button, confirmDialog, openDialog } from "./dialog.js";
import { h } from "./dom.js";
import { count } from "./format.js";

/**
 * @param {HTMLElement} root
 * @param {object} category
 * @param {{mayChange: boolean, save: (change: object) => Promise<boolean>, remove: () => void, cutOut: () => void}} actions
 */
export function editCategory(root, category, { mayChange, save, remove, cutOut }) {
  const name = h("input", { id: "category-name", class: "field", type: "text", required: true, maxlength: 100, value: category.name, autofocus: true });
  const color = h("input", { id: "category-color", class: "field color", type: "color", value: category.color });
  const key = h("input", { id: "category-key", class: "field short", type: "text", maxlength: 1, value: category.key ?? "", placeholder: "none" });
  const supercategory = h("input", { id: "category-supercategory", class: "field", type: "text", maxlength: 100, value: category.supercategory });
  const kind = h(
    "select",
    { id: "category-thing", class: "select" },
    h("option", { value: "thing", selected: category.is_thing }, "thing: countable objects"),
    h("option", { value: "stuff", selected: !category.is_thing }, "stuff: background material"),
  );
  const row = (text, field) => h("label", { class: "form-row" }, h("span", {}, text), field);
  for (const field of [name, color, key, supercategory, kind]) field.disabled = !mayChange;
  const form = h(
    "form",
    { class: "form" },
    row("Name", name),
    row("Colour", color),
    row("Key", key),
    row("Supercategory", supercategory),
    row("Kind", kind),
  );
  async function submit() {
    if (!form.reportValidity()) return;
    const now = {
      name: name.value.trim(),
      color: color.value,
      key: key.value.trim().toLowerCase() || null,
      supercategory: supercategory.value.trim(),
      is_thing: kind.value === "thing",
    };
    const change = Object.fromEntries(Object.entries(now).filter(([part, value]) => value !== category[part]));
    if (Object.keys(change).length === 0 || (await save(change))) dialog.close();
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (mayChange) submit();
  });
  const deleteButton = button(
    "Delete…",
    () => {
      dialog.close();
      remove();
    },
    { kind: "danger-quiet", id: "category-delete" },
  );
  const cutButton = button(
    "Cut out…",
    () => {
      dialog.close();
      cutOut();
    },
    { id: "category-cut-out" },
  );
  cutButton.disabled = category.instances === 0;
  const dialog = openDialog(root, {
    id: "category-dialog",
    title: "Category",
    body: [form],
    actions: mayChange
      ? [deleteButton, cutButton, h("span", { class: "spacer" }), button("Cancel", () => dialog.close()), button("Save", submit, { kind: "primary", id: "category-save" })]
      : [cutButton, h("span", { class: "spacer" }), button("Close", () => dialog.close(), { kind: "primary" })],
  });
  name.select();
}

/** @returns {Promise<boolean>} whether an unused category may go */
export function confirmDelete(root, category) {
  return confirmDialog(root, { id: "delete-category", title: "Delete category", text: `Delete “${category.name}”? No instance has it.`, yes: "Delete" });
}

/**
 * Ask which category takes over the instances of one that is deleted.
 *
 * @returns {Promise<number|null>} its id, or null where the category shall stay
 */
export function chooseMerge(root, category, instances, others) {
  return new Promise((resolve) => {
    let answer = null;
    const choice = h("select", { id: "merge-into", class: "select", autofocus: true }, ...others.map((one) => h("option", { value: one.id }, one.name)));
    const said = `${count(instances, "instance")} ${instances === 1 ? "has" : "have"} the category “${category.name}”.`;
    const body = others.length
      ? [h("p", {}, `${said} Deleting it gives ${instances === 1 ? "that one" : "them"} another:`), h("label", { class: "form-row" }, h("span", {}, "Merge into"), choice)]
      : [h("p", {}, `${said} There is no other category to give them: add one first, or delete them.`)];
    const dialog = openDialog(root, {
      id: "merge-category",
      title: "Delete category",
      body,
      actions: [
        button("Cancel", () => dialog.close()),
        others.length &&
          button(
            "Merge and delete",
            () => {
              answer = Number(choice.value);
              dialog.close();
            },
            { kind: "danger", id: "merge-confirm" },
          ),
      ].filter(Boolean),
      onClose: () => resolve(answer),
    });
  });
}
