/** What can be done with the palette of categories. */

import { chooseMerge, confirmDelete, editCategory } from "./categorydialogs.js";
import { hasPrompt } from "./session.js";
import { isInstructor } from "./store.js";

/**
 * @param {object} parts
 * @param {HTMLElement} parts.root
 * @param {import("./store.js").Store} parts.store
 * @param {ReturnType<import("./writes.js").createWrites>} parts.writes
 * @param {ReturnType<import("./messages.js").createMessages>} parts.messages
 * @param {() => object|null} parts.foreseenState
 * @param {(imageId: number) => Promise<void>} parts.open
 */
export function createPaletteDeeds({ root, store, writes, messages, foreseenState, open }) {
  const { state } = store;

  let lastChange = Promise.resolve();
  let changing = 0; // changes of the palette that are not answered

  /**
   * Change the palette: one call after the other, or the last of two quick ones might be the first to be done. Only the
   * answer to the newest is shown: an older one knows nothing yet of what the page shows already.
   */
  async function changeCategories(name, args) {
    const change = lastChange.then(() => writes.write(name, args));
    const done = change.catch(() => undefined);
    lastChange = done;
    changing += 1;
    try {
      const categories = await change;
      if (lastChange === done) store.set({ categories });
      return categories;
    } finally {
      changing -= 1;
    }
  }

  async function addCategory(name) {
    const known = new Set(state.categories.map((category) => category.id));
    const categories = await writes.ask("add_category", { name }, changeCategories);
    if (!categories) return false;
    const added = categories.findLast((category) => !known.has(category.id));
    store.set({ lastCategoryId: added?.id ?? state.lastCategoryId });
    if (hasPrompt(foreseenState())) document.getElementById("canvas")?.focus({ preventScroll: true }); // Enter saves now
    return true;
  }

  async function updateCategory(category, change) {
    const categories = await writes.ask("update_category", { category_id: category.id, ...change }, changeCategories);
    if (!categories) store.set({ categories: [...state.categories] }); // a refused colour or name goes back to what it was
    return Boolean(categories);
  }

  async function orderCategories(ids) {
    const before = state.categories;
    const shown = ids.map((id) => before.find((category) => category.id === id));
    store.set({ categories: shown });
    const categories = await writes.ask("order_categories", { category_ids: ids }, changeCategories);
    if (!categories && state.categories === shown) store.set({ categories: before });
  }

  async function deleteCategory(category) {
    if (category.instances === 0 && !(await confirmDelete(root, category))) return;
    try {
      await changeCategories("delete_category", { category_id: category.id });
    } catch (error) {
      if (error.kind !== "in_use") return messages.error(error.message);
      const others = state.categories.filter((one) => one.id !== category.id);
      const target = await chooseMerge(root, category, error.details.instances ?? category.instances, others);
      if (target === null) return;
      const how = { category_id: category.id, merge_into: target };
      if (!(await writes.ask("delete_category", how, changeCategories))) return;
    }
    if (state.currentId !== null) open(state.currentId);
  }

  return {
    isChangingCategories: () => changing > 0,
    addCategory,
    updateCategory,
    orderCategories,
    deleteCategory,
    /** @param {object} category @param {() => void} cutOut what else its dialog offers */
    editCategory: (category, cutOut) =>
      editCategory(root, category, { mayChange: isInstructor(state), save: (change) => updateCategory(category, change), remove: () => deleteCategory(category), cutOut }),
  };
}
