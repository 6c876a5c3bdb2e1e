/** What a labeler can do with pictures: go from one to another, give them a status, remove them. */

import { confirmDialog } from "./dialog.js";
import { count } from "./format.js";
import { hasPrompt } from "./session.js";
import { currentImage, withImage } from "./store.js";

/**
 * @param {object} parts
 * @param {HTMLElement} parts.root
 * @param {import("./store.js").Store} parts.store
 * @param {ReturnType<import("./writes.js").createWrites>} parts.writes
 * @param {ReturnType<import("./queue.js").createQueue>} parts.queue
 * @param {ReturnType<import("./messages.js").createMessages>} parts.messages
 * @param {() => object|null} parts.foreseenState
 * @param {(imageId: number) => Promise<void>} parts.open
 */
export function createPictureDeeds({ root, store, writes, queue, messages, foreseenState, open }) {
  const { state } = store;

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
      store.set({ images: withImage(state.images, await writes.write(name, { image_id: image.id, ...args })) });
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
    const images = await writes.ask("remove_image", { image_id: image.id });
    if (!images) return;
    store.set({ images });
    if (state.currentId !== image.id) return;
    const near = images[Math.min(place, images.length - 1)];
    if (near) open(near.id);
    else store.set({ currentId: null, shownId: null, session: null, pending: [], selectedId: null });
  }

  return {
    neighbour,
    next: () => go(1),
    previous: () => go(-1),
    setStatus,
    changeStatus,
    canFinish,
    goOn,
    isSetting: (imageId) => setting.has(imageId),
    remove,
  };
}
