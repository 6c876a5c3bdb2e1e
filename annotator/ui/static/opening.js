/** Opening a picture, and keeping what is shown of it up to date. */

import { remember, WINDOW } from "./memory.js";
import { merge, outdates } from "./session.js";
import { withImage } from "./store.js";

const POLL_MS = 300;

/**
 * @param {object} parts
 * @param {import("./store.js").Store} parts.store
 * @param {ReturnType<import("./server.js").createServer>} parts.server
 * @param {() => ReturnType<import("./queue.js").createQueue>} parts.queue
 * @param {() => object} parts.canvas
 * @param {ReturnType<import("./messages.js").createMessages>} parts.messages
 */
export function createOpening({ store, server, queue, canvas, messages }) {
  const { state } = store;
  let turn = 0; // of several pictures asked for in a row, the last counts
  let onCanvas = null; // the picture that the canvas shows or was last asked to show, and when it is there

  async function open(imageId) {
    const mine = (turn += 1);
    store.set({ currentId: imageId, selectedId: null, hoveredId: null, hoveredCandidate: null, failure: null });
    try {
      await queue().idle(imageId); // what was done on it before is recorded first
      const session = await server.request("open_image", { image_id: imageId });
      if (mine !== turn) return;
      queue().setRevision(imageId, session.revision);
      await showPicture(session);
      if (mine !== turn) return;
      store.set({ shownId: imageId, pending: queue().pending(imageId) });
      remember(WINDOW, "picture", imageId);
      take(imageId, session, { fresh: true });
      fetchAhead(imageId);
    } catch (error) {
      if (mine !== turn) return;
      store.set({ failure: error.message, shownId: null, session: null, pending: [] });
    }
  }

  async function showPicture({ image, display_hw: displayHw }) {
    const url = new URL(image.url, document.baseURI).href;
    if (onCanvas?.imageId !== image.id) {
      const there = canvas().showImage({ url, width: image.width, height: image.height, displayHw, imageId: image.id });
      onCanvas = { imageId: image.id, there };
    } // else opened again for its masks alone
    const mine = onCanvas;
    try {
      await mine.there;
    } catch (error) {
      if (onCanvas === mine) onCanvas = null;
      throw new Error((await refusal(url)) ?? error.message, { cause: error });
    }
  }

  /** Why the server does not give a picture, in its words; null where it does, or says nothing. */
  async function refusal(url) {
    try {
      const answer = await fetch(url);
      return !answer.ok && answer.headers.get("content-type")?.startsWith("text/plain") ? await answer.text() : null;
    } catch {
      return null;
    }
  }

  /** The browser loads the next picture while this one is worked on. */
  function fetchAhead(imageId) {
    const next = state.images[state.images.findIndex((image) => image.id === imageId) + 1];
    if (next) new Image().src = new URL(next.url, document.baseURI).href;
  }

  /** A new STATE has come, of the shown picture or of another. */
  function take(imageId, session, { fresh = false } = {}) {
    const patch = { images: withImage(state.images, session.image), segmenter: session.segmenter ?? state.segmenter };
    if (session.categories) patch.categories = session.categories;
    if (session.notices.count > state.noticesSeen) messages.info(session.notices.last);
    patch.noticesSeen = session.notices.count;
    if (imageId === state.shownId) {
      const older = fresh || state.session?.image.id !== imageId ? null : state.session;
      patch.pending = queue().pending(imageId);
      patch.session = merge(older, session, outdates(patch.pending));
      if (session.problem) messages.error(session.problem);
      if (!patch.session.instances.some((instance) => instance.id === state.selectedId)) patch.selectedId = null;
      if (state.lastCategoryId === null) patch.lastCategoryId = patch.session.instances.at(-1)?.category_id ?? null;
      if (session.encoding) poll(imageId, session.revision);
    }
    store.set(patch);
  }

  let polled = null;
  /** Ask again and again until the picture is encoded; given up when another picture or step has come. */
  async function poll(imageId, revision) {
    const mine = `${imageId} ${revision}`;
    if (polled === mine) return;
    polled = mine;
    try {
      for (;;) {
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
        if (polled !== mine || !isNewest(imageId, revision)) return;
        const session = await server.request("answer", { image_id: imageId, revision });
        if (polled !== mine || !isNewest(imageId, revision)) return;
        if (session.encoding === null) polled = null;
        take(imageId, session);
        if (session.encoding === null) return;
      }
    } catch (error) {
      messages.error(error.message);
    } finally {
      if (polled === mine) polled = null;
    }
  }

  const isNewest = (imageId, revision) =>
    state.shownId === imageId && state.session?.revision === revision && queue().pending(imageId).length === 0;

  return { open, take };
}
