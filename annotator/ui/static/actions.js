/** What a labeler can do. Keys, buttons and the canvas all come through here. */

import { chooseMerge, confirmDelete, editCategory } from "./categorydialogs.js";
import { confirmDialog } from "./dialog.js";
import { count } from "./format.js";
import { hasPrompt } from "./session.js";
import { categoryOf, currentImage, isInstructor, withImage } from "./store.js";

const NO_PROMPT = "Click an object first: its category comes after it.";
const STILL_ENCODING = "The picture is still being encoded. The candidates come as soon as it is done.";

/**
 * @typedef {{instance_id: number, version: number, steps: object[]}} Edit of an instance: the version that it began with,
 *   and the prompt that it ends with
 */

/**
 * @param {object} parts
 * @param {HTMLElement} parts.root
 * @param {import("./store.js").Store} parts.store
 * @param {ReturnType<import("./server.js").createServer>} parts.server
 * @param {ReturnType<import("./queue.js").createQueue>} parts.queue
 * @param {ReturnType<import("./messages.js").createMessages>} parts.messages
 * @param {() => object|null} parts.foreseenState
 * @param {(imageId: number) => Promise<void>} parts.open
 */
export function createActions({ root, store, server, queue, messages, foreseenState, open }) {
  const { state } = store;

  /** Send an action for the picture that is on the canvas; between two pictures there is none. */
  function act(kind, details = {}, edit = null) {
    if (state.shownId === null || state.shownId !== state.currentId) return false;
    queue.push(state.shownId, { kind, ...details }, edit);
    return true;
  }

  let underway = 0;

  /** A call that writes; the page asks before it is left until that is answered. */
  async function write(name, args) {
    underway += 1;
    try {
      return await server.request(name, args);
    } finally {
      underway -= 1;
    }
  }

  /** A call whose refusal is shown and is no more than that. Gives undefined then. */
  async function ask(name, args, request = write) {
    try {
      return await request(name, args);
    } catch (error) {
      messages.error(error.message);
      return undefined;
    }
  }

  // the prompt

  function commit(categoryId) {
    const session = foreseenState();
    if (!session) return false;
    if (!hasPrompt(session)) return false;
    if (session.encoding && !session.candidates) {
      messages.info(STILL_ENCODING);
      return true;
    }
    store.set({ lastCategoryId: categoryId, selectedId: null });
    return act("commit", { category_id: categoryId }, edited(session));
  }

  /** @returns {Edit|null} null also where the newest points are not answered yet */
  function edited({ editing, editing_version: version, steps }) {
    return editing === null || state.pending.length ? null : { instance_id: editing, version, steps };
  }

  /** What this page has seen of an instance: a change of it is refused where it is another by now. */
  function seen(id) {
    const version = (state.session?.instances ?? []).find((instance) => instance.id === id)?.version;
    return version === undefined ? {} : { seen: { [id]: version } };
  }

  function commitLast() {
    const session = foreseenState();
    const edited = session?.instances.find((instance) => instance.id === session.editing);
    if (!hasPrompt(session)) return messages.info(NO_PROMPT);
    const category = edited?.category_id ?? categoryOf(state, state.lastCategoryId)?.id;
    if (category === undefined) {
      return messages.info(state.categories.length ? "Choose a category: click it, or press its key." : "Add a category first: press N and type its name.");
    }
    commit(category);
  }

  /** A category was clicked or its key pressed. @returns {boolean} whether it did more than to remember the choice */
  function pick(category) {
    const session = foreseenState();
    if (commit(category.id)) return true;
    const selected = session?.instances.find((instance) => instance.id === state.selectedId);
    store.set({ lastCategoryId: category.id });
    if (!selected) return false;
    if (selected.category_id !== category.id) setCategory(selected.id, category.id);
    return true;
  }

  function choose(index) {
    const session = foreseenState();
    if (session?.candidates?.[index] && session.chosen !== index) act("choose", { candidate: index });
  }

  function canCycle() {
    return Boolean(foreseenState()?.candidates);
  }

  function cycle(step) {
    const { candidates, chosen } = foreseenState();
    choose(((chosen ?? 0) + step + candidates.length) % candidates.length);
  }

  function escape() {
    const session = foreseenState();
    if (hasPrompt(session) || (session && session.editing !== null)) act("clear");
    else select(null);
  }

  function undo() {
    if (foreseenState()?.can_undo) act("undo");
  }

  function redo() {
    if (foreseenState()?.can_redo) act("redo");
  }

  // instances

  function select(id) {
    store.set({ selectedId: id });
  }

  function selectNeighbour(step) {
    const instances = foreseenState()?.instances ?? [];
    if (instances.length === 0) return;
    const place = instances.findIndex((instance) => instance.id === state.selectedId);
    const next = place < 0 ? (step > 0 ? 0 : instances.length - 1) : (place + step + instances.length) % instances.length;
    select(instances[next].id);
  }

  function selectedSaved() {
    const selected = (foreseenState()?.instances ?? []).find((instance) => instance.id === state.selectedId);
    return selected && !selected.pending ? selected : null;
  }

  function deleteInstance(id) {
    if (typeof id !== "number") return; // being saved still
    if (state.selectedId === id) select(null);
    store.set({ hoveredId: null });
    act("delete_instance", { instance_id: id, ...seen(id) });
  }

  function deleteSelected() {
    const selected = selectedSaved();
    if (selected) deleteInstance(selected.id);
  }

  function editInstance(id) {
    if (typeof id !== "number") return;
    select(null);
    act("edit_instance", { instance_id: id });
  }

  function editSelected() {
    const selected = selectedSaved();
    if (selected) editInstance(selected.id);
    else messages.info("Select an instance first: click it in the list, or press J.");
  }

  function setCategory(id, categoryId) {
    act("set_category", { instance_id: id, category_id: categoryId, ...seen(id) });
  }

  // pictures

  /** The next picture in that direction that the filter shows, or null. */
  function neighbour(step) {
    const { images, filter } = state;
    const from = images.findIndex((image) => image.id === state.currentId);
    for (let place = from + step; place >= 0 && place < images.length; place += step) {
      if (filter === "all" || images[place].status === filter) return images[place].id;
    }
    return null;
  }

  function go(step) {
    const id = neighbour(step);
    if (id !== null) open(id);
  }

  const setting = new Set(); // pictures whose status is being set

  const setStatus = (status) => changeStatus(status, "set_status", { status });

  /**
   * Give the open picture a status by that call; shown at once, and taken back where it is refused.
   *
   * @returns {Promise<boolean>} whether it has it
   */
  async function changeStatus(status, name, args = {}) {
    const image = currentImage(state);
    if (!image) return false;
    if (image.status === status && name === "set_status") return true;
    store.set({ images: withImage(state.images, { ...image, status }) });
    setting.add(image.id);
    try {
      await queue.idle(image.id); // a save that is under way would set it back to "in progress"
      store.set({ images: withImage(state.images, await write(name, { image_id: image.id, ...args })) });
      return true;
    } catch (error) {
      messages.error(error.message);
      store.set({ images: withImage(state.images, image) });
      return false;
    } finally {
      setting.delete(image.id);
    }
  }

  /** @returns {boolean} whether the open picture can be said to be finished */
  function canFinish() {
    if (!currentImage(state)) return false;
    const open = hasPrompt(foreseenState());
    if (open) messages.info("A prompt is open: save it, or clear it with Esc, before the picture is done.");
    return !open;
  }

  /** @param {string} word said where there is no next picture */
  function goOn(word) {
    const next = neighbour(1);
    if (next !== null) open(next);
    else messages.success(`${word} This was the last picture.`);
  }

  async function remove(image) {
    const saved = image.instances ? ` and ${count(image.instances, "instance")} on it` : "";
    const yes = await confirmDialog(root, {
      id: "remove-picture",
      title: "Remove picture",
      text: `Remove “${image.name}”${saved} from the workspace? This cannot be undone.`,
      yes: "Remove",
    });
    if (!yes) return;
    await queue.idle(image.id);
    const place = state.images.findIndex((one) => one.id === image.id);
    const images = await ask("remove_image", { image_id: image.id });
    if (!images) return;
    store.set({ images });
    if (state.currentId !== image.id) return;
    const near = images[Math.min(place, images.length - 1)];
    if (near) open(near.id);
    else store.set({ currentId: null, shownId: null, session: null, pending: [], selectedId: null });
  }

  // categories

  let lastChange = Promise.resolve();
  let changing = 0; // changes of the palette that are not answered

  /**
   * Change the palette: one call after the other, or the last of two quick ones might be the first to be done. Only the
   * answer to the newest is shown: an older one knows nothing yet of what the page shows already.
   */
  async function changeCategories(name, args) {
    const change = lastChange.then(() => write(name, args));
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
    const categories = await ask("add_category", { name }, changeCategories);
    if (!categories) return false;
    const added = categories.findLast((category) => !known.has(category.id));
    store.set({ lastCategoryId: added?.id ?? state.lastCategoryId });
    if (hasPrompt(foreseenState())) document.getElementById("canvas")?.focus({ preventScroll: true }); // Enter saves now
    return true;
  }

  async function updateCategory(category, change) {
    const categories = await ask("update_category", { category_id: category.id, ...change }, changeCategories);
    if (!categories) store.set({ categories: [...state.categories] }); // a refused colour or name goes back to what it was
    return Boolean(categories);
  }

  async function orderCategories(ids) {
    const before = state.categories;
    const shown = ids.map((id) => before.find((category) => category.id === id));
    store.set({ categories: shown });
    const categories = await ask("order_categories", { category_ids: ids }, changeCategories);
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
      if (!(await ask("delete_category", how, changeCategories))) return;
    }
    if (state.currentId !== null) open(state.currentId);
  }

  return {
    act,
    /** Whether something that was done here is not on the server yet. */
    isBusy: () => queue.busy || underway > 0,
    point: (point) => act("point", point),
    box: (box) => act("box", box),
    movePoint: (move) => act("move_point", move),
    deletePoint: (which) => act("delete_point", which),
    clear: escape,
    commitLast,
    pick,
    choose,
    canCycle,
    cycle,
    escape,
    undo,
    redo,
    select,
    selectNeighbour,
    deleteInstance,
    deleteSelected,
    editInstance,
    editSelected,
    setCategory,
    open,
    neighbour,
    next: () => go(1),
    previous: () => go(-1),
    setStatus,
    changeStatus,
    canFinish,
    goOn,
    ask,
    isSetting: (imageId) => setting.has(imageId),
    isChangingCategories: () => changing > 0,
    remove,
    addCategory,
    updateCategory,
    orderCategories,
    deleteCategory,
    /** @param {object} category @param {() => void} cutOut what else its dialog offers */
    editCategory: (category, cutOut) =>
      editCategory(root, category, { mayChange: isInstructor(state), save: (change) => updateCategory(category, change), remove: () => deleteCategory(category), cutOut }),
    /** @param {string} key @param {(category: object) => boolean} [use] what else may take the category */
    categoryKey(key, use = pick) {
      const category = state.categories.find((one) => one.key?.toUpperCase() === key);
      if (!category) return false;
      if (!use(category) && state.shownId !== null) messages.info(NO_PROMPT);
      return true;
    },
  };
}
