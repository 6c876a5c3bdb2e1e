/**
 * What others, and other windows, have done: asked for about every second while the page is looked at.
 *
 * To hear of one more kind of news: `news.on("announcement", (value) => …)`; the server's side is a source of that name
 * (annotator/news.py). A listener gets the value only when it is a new one, and all that came with it.
 */

import { withImage } from "./store.js";

const OFTEN_MS = 1000;
const HIDDEN_MS = 15_000; // nobody sees it; the title of a tab may still tell
const AFTER_TROUBLE_MS = 10_000; // the server said no: it will not say yes a second later
const LEFT_ALONE_MS = 30 * 60_000; // a page that nobody has touched for so long asks no more, until somebody does
const SIGNS_OF_LIFE = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"];

/**
 * @param {object} parts
 * @param {import("./store.js").Store} parts.store
 * @param {ReturnType<import("./server.js").createServer>} parts.server
 * @returns {{on: (name: string, listener: (value: any, all: object) => void) => void, start: (seen: object) => void, now: () => void}}
 */
export function createNews({ store, server }) {
  const { state } = store;
  const listeners = new Map();
  let seen = null; // the marks of what this page knows; null before it has begun
  let timer = 0;
  let asking = false;
  let again = false;
  let touchedAt = Date.now();
  let asleep = false;

  function on(name, listener) {
    listeners.set(name, [...(listeners.get(name) ?? []), listener]);
  }

  /** How the page knows the picture that it shows; null while there is none. */
  function watched() {
    const { session, shownId } = state;
    if (!session || session.image.id !== shownId || !Number.isInteger(session.change_id)) return null;
    return { image_id: shownId, revision: session.revision, change_id: session.change_id };
  }

  async function ask() {
    clearTimeout(timer);
    if (seen === null) return;
    if (asking) {
      again = true;
      return;
    }
    asking = true;
    let wait = document.hidden ? HIDDEN_MS : OFTEN_MS;
    try {
      const answer = await server.request("news", { seen, picture: watched() });
      seen = { ...seen, ...answer.seen };
      for (const [name, value] of Object.entries(answer)) for (const listener of listeners.get(name) ?? []) listener(value, answer);
    } catch (error) {
      if (error.name !== "ServerError") throw error;
      wait = AFTER_TROUBLE_MS; // said by whatever the labeler does next; here it would be said each second
    } finally {
      asking = false;
      schedule(again ? 0 : wait);
      again = false;
    }
  }

  function schedule(wait) {
    clearTimeout(timer);
    asleep = Date.now() - touchedAt > LEFT_ALONE_MS; // so that a sign-in that nobody uses can end
    if (!asleep) timer = setTimeout(ask, wait);
  }

  function touch() {
    touchedAt = Date.now();
    if (!asleep) return;
    asleep = false;
    ask();
  }

  for (const name of SIGNS_OF_LIFE) window.addEventListener(name, touch, { passive: true, capture: true });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    touch();
    ask();
  });

  return {
    on,
    /** @param {object} marks as the server gave them before what the page has loaded */
    start(marks) {
      seen = marks;
      schedule(OFTEN_MS);
    },
    /** Ask at once: something is known to have happened. */
    now: ask,
  };
}

/**
 * What the page itself does with the news: the list, the palette, and the picture that is shown.
 *
 * @param {object} parts
 * @param {ReturnType<typeof createNews>} parts.news
 * @param {import("./store.js").Store} parts.store
 * @param {ReturnType<import("./queue.js").createQueue>} parts.queue
 * @param {ReturnType<import("./opening.js").createOpening>} parts.opening
 * @param {ReturnType<import("./messages.js").createMessages>} parts.messages
 * @param {{ask: (name: string) => Promise<any>, isSetting: (imageId: number) => boolean, isChangingCategories: () => boolean}} parts.actions
 */
export function followNews({ news, store, queue, opening, messages, actions }) {
  const { state } = store;

  news.on("images", (images) => {
    // What is being set here is shown already; the answer to it comes later than these news, and is newer.
    const told = images.filter((image) => !actions.isSetting(image.id));
    const known = new Set(state.images.map((image) => image.id));
    const changed = told.filter((image) => known.has(image.id)).reduce(withImage, state.images);
    const added = told.filter((image) => !known.has(image.id));
    store.set({ images: added.length ? [...changed, ...added] : changed });
  });
  news.on("removed", (ids) => {
    const gone = new Set(ids);
    const left = state.images.filter((image) => !gone.has(image.id));
    if (left.length === state.images.length) return; // removed here
    const place = state.images.findIndex((image) => image.id === state.currentId);
    store.set({ images: left });
    if (!gone.has(state.currentId)) return;
    messages.info("The picture that was open here has been removed.");
    const near = left[Math.min(place, left.length - 1)];
    if (near) opening.open(near.id);
    else store.set({ currentId: null, shownId: null, session: null, pending: [], selectedId: null });
  });
  news.on("reload_images", async () => {
    const images = await actions.ask("list_images");
    if (images) store.set({ images });
  });
  news.on("categories", (categories) => {
    if (!actions.isChangingCategories()) store.set({ categories }); // else the answer to that has them
  });
  news.on("session", (session) => {
    const isNewer = state.session?.image.id === session.image.id && session.revision > state.session.revision;
    if (!isNewer || state.shownId !== session.image.id || queue.pending(session.image.id).length) return;
    queue.setRevision(session.image.id, session.revision);
    opening.take(session.image.id, session);
  });
  news.on("instances", ({ image_id: imageId, change_id, instances }, { categories: counted }) => {
    const { session } = state;
    if (state.shownId !== imageId || session?.image.id !== imageId || change_id < session.change_id) return;
    // What is under way here may be among them already, and would be shown twice; its answer, or the next news, has all.
    if (queue.pending(imageId).length) return;
    if (isSame(session.instances, instances)) return store.set({ session: { ...session, change_id } });
    store.set({
      session: { ...session, change_id, instances },
      categories: counted ? state.categories : recounted(state.categories, session.instances, instances),
      selectedId: instances.some((one) => one.id === state.selectedId) ? state.selectedId : null,
    });
  });
  news.on("assignment", (assignment) => store.set({ assignment }));
}

/** The palette, whose numbers are of all pictures, after these instances have taken the place of those. */
function recounted(categories, before, now) {
  const more = new Map();
  for (const { category_id: id } of now) more.set(id, (more.get(id) ?? 0) + 1);
  for (const { category_id: id } of before) more.set(id, (more.get(id) ?? 0) - 1);
  return categories.map((category) => (more.get(category.id) ? { ...category, instances: category.instances + more.get(category.id) } : category));
}

/** Whether nothing of what is shown differs: then nothing is painted anew. */
function isSame(known, told) {
  return known.length === told.length && known.every((one, place) => one.id === told[place].id && one.version === told[place].version);
}
