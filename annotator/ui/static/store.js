/** What the page knows, in one object; who shows a part of it listens to that part. */

/**
 * @typedef {object} Store
 * @property {any} state read freely, change by `set` alone
 * @property {(patch: object) => void} set
 * @property {(names: string[], listener: () => void) => void} on called once per turn in which one of the names changed
 */

/**
 * @param {object} initial
 * @returns {Store}
 */
export function createStore(initial) {
  const state = { ...initial };
  const listeners = [];
  let changed = new Set();

  function notify() {
    const names = changed;
    changed = new Set();
    for (const { watched, listener } of listeners) {
      if (watched.some((name) => names.has(name))) listener();
    }
  }

  return {
    state,
    set(patch) {
      for (const [name, value] of Object.entries(patch)) {
        if (state[name] === value) continue;
        state[name] = value;
        if (changed.size === 0) queueMicrotask(notify); // several changes of one turn are one redraw
        changed.add(name);
      }
    },
    on(watched, listener) {
      listeners.push({ watched, listener });
    },
  };
}

/** What is known before the server has answered. */
export const INITIAL = {
  ready: false, // bootstrap has come
  person: { name: "", role: "labeler", signed_in: false }, // who works here; the server decides it again with every call
  images: [],
  categories: [],
  formats: [],
  segmenters: [],
  segmenter: null,
  switching: null, // name of the segmenter that is being fetched and loaded
  samplesAvailable: false,
  filter: "all",
  currentId: null, // the picture asked for
  shownId: null, // the picture on the canvas; differs from currentId only while one is being opened
  session: null, // the server's newest STATE of the shown picture, with its instances
  pending: [], // actions of the shown picture that the server has not answered
  selectedId: null,
  hoveredId: null,
  hoveredCandidate: null,
  proposals: null, // the server's list of the shown picture, with its run, floor and what counts as a duplicate
  proposalsOn: true, // whether they are shown
  sift: null, // thresholds that a proposal has to pass to be offered
  grid: null, // points along a side, for the next time masks are proposed; null until it is known
  offered: [], // the proposals that are shown, in the order of their numbers
  selectedProposals: [], // ids
  hoveredProposal: null,
  likeness: null, // {scores: id -> 0..1, least: from where on they count as alike}
  lastCategoryId: null,
  tapLabel: 1,
  zoom: null,
  cursor: null,
  assignment: { mode: "all", labelers: 1 }, // how pictures are given out
  noticesSeen: 0, // of what the server changed by itself since it started
  announcement: null, // the instructor's words to everybody: {id, text, labeler, at}
  locks: { categories: false }, // what labelers may not change for now
  lost: null, // {retryAt, signedOut, restoring} while the server cannot be reached
  failure: null, // why the picture could not be shown
};

/** @returns {boolean} whether what takes the instructor is to be offered */
export function isInstructor(state) {
  return state.person.role === "instructor";
}

/** @returns {boolean} whether the server says which picture comes next */
export function isGivenOut(state) {
  return state.assignment.mode !== "all" && !isInstructor(state);
}

/** @returns the image that is asked for, or null */
export function currentImage(state) {
  return state.images.find((image) => image.id === state.currentId) ?? null;
}

/** @returns the category of that id, or null */
export function categoryOf(state, id) {
  return state.categories.find((category) => category.id === id) ?? null;
}

/** Put one image in place of its older self; the same list where nothing of it changed. */
export function withImage(images, image) {
  const known = images.find((one) => one.id === image.id);
  if (!known || Object.entries(image).every(([name, value]) => known[name] === value)) return images;
  return images.map((one) => (one === known ? { ...one, ...image } : one));
}
