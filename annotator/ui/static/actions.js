/** What a labeler can do. Keys, buttons and the canvas all come through here. */

import { createPaletteDeeds } from "./palettedeeds.js";
import { createPictureDeeds } from "./picturedeeds.js";
import { hasPrompt } from "./session.js";
import { categoryOf } from "./store.js";
import { createWrites } from "./writes.js";

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
  const writes = createWrites({ server, messages });
  const pictures = createPictureDeeds({ root, store, writes, queue, messages, foreseenState, open });
  const palette = createPaletteDeeds({ root, store, writes, messages, foreseenState, open });

  /** Send an action for the picture that is on the canvas; between two pictures there is none. */
  function act(kind, details = {}, edit = null) {
    if (state.shownId === null || state.shownId !== state.currentId) return false;
    queue.push(state.shownId, { kind, ...details }, edit);
    return true;
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

  return {
    act,
    /** Whether something that was done here is not on the server yet. */
    isBusy: () => queue.busy || writes.isBusy(),
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
    ...pictures,
    ...palette,
    ask: writes.ask,
    /** @param {string} key @param {(category: object) => boolean} [use] what else may take the category */
    categoryKey(key, use = pick) {
      const category = state.categories.find((one) => one.key?.toUpperCase() === key);
      if (!category) return false;
      if (!use(category) && state.shownId !== null) messages.info(NO_PROMPT);
      return true;
    },
  };
}
