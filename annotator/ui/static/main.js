/** The page: puts its parts together and starts them. */

import { createActions } from "./actions.js";
import { createAnalysis } from "./analysis.js";
import { createAnnouncement, showAnnouncement } from "./announcement.js";
import { createCandidates } from "./candidates.js";
import { createCanvas } from "./canvas.js";
import { canvasView } from "./canvasview.js";
import { createCategories } from "./categories.js";
import { createClashes } from "./clashes.js";
import { createDataSet } from "./dataset.js";
import { createCutouts } from "./cutouts.js";
import { h } from "./dom.js";
import { createEmptyState } from "./emptystate.js";
import { createExports } from "./exports.js";
import { createHeader } from "./header.js";
import { showHelp } from "./help.js";
import { createHistory } from "./history.js";
import { createImports } from "./imports.js";
import { createInstances } from "./instances.js";
import { createInstructor } from "./instructor.js";
import { createJobs } from "./jobs.js";
import { startKeys } from "./keys.js";
import { forgetWindow, recall, remember, WINDOW } from "./memory.js";
import { createMessages } from "./messages.js";
import { createNews, followNews } from "./news.js";
import { createNotices } from "./notices.js";
import { createOpening } from "./opening.js";
import { createPictures } from "./pictures.js";
import { createProposalPanel } from "./proposalpanel.js";
import { createProposals } from "./proposals.js";
import { createQueue } from "./queue.js";
import { createReturnedNote, createReview } from "./review.js";
import { createSegmenters } from "./segmenters.js";
import { createServer } from "./server.js";
import { foreseen } from "./session.js";
import { createStore, INITIAL, isInstructor } from "./store.js";
import { startTheme } from "./theme.js";
import { createToolbar } from "./toolbar.js";
import { startTooltips } from "./tooltip.js";

const NARROW = window.matchMedia("(max-width: 899px)"); // as in page.css
const RESTORED = "restored"; // kept over the reload that follows
const STYLES = [
  ...["tokens", "page", "controls"],
  ...["header", "access", "pictures", "side", "candidates", "proposals", "categories", "instances", "toolbar"],
  ...["notices", "emptystate", "menus", "dialogs", "exporting", "importing", "canvas", "analysis", "dataset", "gallery", "checks", "cutouts", "together"],
  ...["announcement", "instructor", "agreement"],
];

/**
 * @param {object} given
 * @param {HTMLElement} given.element the page is built in it
 * @param {{call: (message: {name: string, args: object}) => Promise<any>}} given.server
 */
export async function start({ element, server: remote }) {
  startTheme();
  await Promise.all(STYLES.map((name) => loadStyle(`${name}.css`))); // a page without its looks would jump when they come
  const store = createStore(INITIAL);
  const { state } = store;
  const messages = createMessages();
  const jobs = createJobs();
  let leaving = false;

  /** A backup was restored: what this page shows is of before. */
  function startAnew() {
    if (leaving) return;
    leaving = true;
    forgetWindow();
    remember(WINDOW, RESTORED, true);
    location.reload();
  }

  const server = createServer((message) => remote.call(message), (lost) => store.set({ lost }), startAnew);

  const root = h("div", { class: "page", lang: "en" });
  const opening = createOpening({ store, server, queue: () => queue, canvas: () => canvas, messages });
  const queue = createQueue({
    send: (imageId, revision, actions) => server.request("act", { image_id: imageId, revision, actions }),
    reopen: (imageId) => server.request("open_image", { image_id: imageId }),
    onState: opening.take,
    onChange: (imageId) => imageId === state.shownId && store.set({ pending: queue.pending(imageId) }),
    onError: tellLoss,
    onClash: (...clash) => clashes.ask(...clash),
  });
  const clashes = createClashes({ root, store, queue });
  const news = createNews({ store, server });
  const foreseenState = remembering(() => [state.session, state.pending], (session, pending) => session && foreseen(session, pending));

  function tellLoss(imageId, error, lost) {
    const name = state.images.find((image) => image.id === imageId)?.name ?? "A picture";
    if (error.kind === "picture_taken") return review.onTaken(error);
    if (error.kind !== "conflict") return messages.error(error.message);
    const steps = lost === 1 ? "Your last step was" : `Your last ${lost} steps were`;
    messages.error(`${name} was changed in another window. ${steps} not applied; the picture is shown as it is now.`);
  }

  const base = createActions({ root, store, server, queue, messages, foreseenState, open: opening.open });
  const review = createReview({ root, store, messages, base, open: opening.open });
  const history = createHistory({ root, store, server, news, settled: () => queue.idle(state.shownId) });
  followNews({ news, store, queue, opening, messages, actions: base });
  const imports = createImports({ root, store, server, jobs, messages, onImported });
  const exporting = createExports({ root, store, server, settled: () => queue.idle(state.shownId) });
  const segmenters = createSegmenters({ root, store, server, jobs, messages, onSwitched: () => opening.open(state.currentId) });
  const analysis = createAnalysis({
    root, store, server, settled: () => queue.idle(state.shownId), open: opening.open,
    select: (kind, id) => (kind === "instance" ? actions.select(id) : actions.selectProposal?.(id)),
  });
  const dataset = createDataSet({
    root, store, server, settled: () => queue.idle(state.shownId), open: opening.open, select: (id) => actions.select(id),
    reveal: (box) => canvas.reveal(box), editCategory: (category) => actions.editCategory(category),
  });
  const instructor = createInstructor({ root, store, server, open: opening.open, showExport: () => exporting.show() });
  const cutouts = createCutouts({ root, store, server, settled: () => queue.idle(state.shownId), messages });
  const proposals = createProposals({ store, server, jobs, messages, act: base.act, idle: queue.idle, foreseenState });
  const takeCategory = (category) => proposals.accept(category.id) || base.pick(category);
  const host = h("div", { class: "canvas-place" });
  const actions = {
    ...base,
    ...imports,
    ...review,
    // what is selected among the proposals comes first
    pick: takeCategory,
    categoryKey: (key) => base.categoryKey(key, takeCategory),
    commitLast: () => proposals.acceptWithLast() || base.commitLast(),
    deleteSelected: () => proposals.reject() || base.deleteSelected(),
    escape: () => proposals.escape() || base.escape(),
    undo: () => also(base.undo, proposals.refresh),
    redo: () => also(base.redo, proposals.refresh),
    propose: proposals.propose,
    toggleProposals: () => proposals.setShown(!state.proposalsOn),
    proposalsShown: proposals.shown,
    selectAllProposals: proposals.selectAll,
    selectProposal: (id) => proposals.select([id]),
    stepProposal: proposals.step,
    moreLikeThis: proposals.moreLike,
    cutOut: (instanceId = state.selectedId) => cutouts.show({ instanceId }),
    editCategory: (category) => base.editCategory(category, () => cutouts.show({ categoryId: category.id })),
    focusAdd: () => categories.focusAdd(),
    renameLast: () => state.lastCategoryId !== null && categories.rename(state.lastCategoryId),
    moveLast: (step) => state.lastCategoryId !== null && categories.move(state.lastCategoryId, step),
    fit: () => canvas.fit(),
    zoomBy: (factor) => canvas.zoomBy(factor),
    setPanning: (on) => canvas.setPanning(on),
    setMasksHidden: (on) => canvas.setMasksHidden(on),
    showHelp: () => showHelp(root),
    showExport: exporting.show,
    showAnalysis: analysis.show,
    showDataSet: dataset.show,
    isInstructor: () => isInstructor(state),
    showClass: instructor.show,
    showHistory: history.show,
    showSegmenters: segmenters.show,
    switchSegmenter: segmenters.change,
    togglePictures: () => root.classList.toggle("pictures-toggled"),
    reopen: () => opening.open(state.currentId),
    tryNow: server.tryNow,
  };
  const categories = createCategories(store, {
    pick: actions.pick,
    add: actions.addCategory,
    update: actions.updateCategory,
    order: actions.orderCategories,
    edit: actions.editCategory,
  });

  root.append(
    createHeader(store, actions),
    createPictures(store, actions),
    h(
      "main",
      { class: "stage" },
      host,
      createEmptyState(store, actions),
      createReturnedNote(store),
      createNotices(store, actions, foreseenState),
      createAnnouncement(store),
      jobs.element,
      messages.element,
    ),
    createToolbar(store, actions, foreseenState),
    h(
      "aside",
      { class: "side", "aria-label": "Labels" },
      createCandidates(store, actions, foreseenState),
      createProposalPanel(store, proposals, root),
      categories.element,
      createInstances(store, actions, foreseenState),
    ),
  );
  element.replaceChildren(root);

  const canvas = createCanvas(host, {
    // a category's key then names what was just marked, not what was selected before
    onPoint: (point) => also(proposals.escape, () => actions.point(point)),
    onBox: (box) => also(proposals.escape, () => actions.box(box)),
    onMovePoint: actions.movePoint,
    onDeletePoint: actions.deletePoint,
    onHover: (cursor) => store.set({ cursor, hoveredProposal: cursor && state.offered.length ? canvas.proposalAt(cursor) : null }),
    onPick: proposals.toggle,
    onBand: proposals.selectBox,
    onView: ({ zoom }) => store.set({ zoom }),
  });
  store.on(
    ["session", "pending", "categories", "selectedId", "hoveredId", "hoveredCandidate", "tapLabel", "offered", "proposalsOn", "selectedProposals", "hoveredProposal"],
    () => state.shownId !== null && canvas.render(canvasView(state, foreseenState())),
  );
  store.on(["currentId"], () => {
    if (NARROW.matches) root.classList.remove("pictures-toggled"); // the list that came over the canvas goes again
  });
  keepFocusOnCanvas(root, host);
  startTooltips(root);
  startKeys(actions);
  window.addEventListener("beforeunload", (event) => actions.isBusy() && !leaving && event.preventDefault());

  async function onImported(result, { labels = false } = {}) {
    const images = await server.request("list_images");
    store.set({ images, categories: labels ? await server.request("list_categories") : state.categories });
    const first = result?.image_ids?.[0] ?? state.images[0]?.id;
    if (state.currentId === null && first !== undefined) await opening.open(first);
    else if (labels && state.currentId !== null) await opening.open(state.currentId); // it may have got some
  }

  const begun = await server.request("bootstrap");
  server.setGeneration(begun.generation);
  if (recall(WINDOW, RESTORED)) messages.error("The instructor has restored a backup: this is how things were then. Steps that were still on their way are not in it.");
  remember(WINDOW, RESTORED, false);
  root.dataset.role = begun.person.role; // what a labeler may not do is not shown: access.css
  store.set({
    ready: true,
    person: begun.person,
    images: begun.images,
    categories: begun.categories,
    formats: begun.formats,
    segmenter: begun.segmenter,
    samplesAvailable: begun.samples_available,
    noticesSeen: begun.notices.count,
  });
  showAnnouncement(store, begun);
  news.on("class", (told) => showAnnouncement(store, told));
  root.toggleAttribute("data-signed-in", begun.person.signed_in);
  news.start(begun.seen);
  const known = (id) => begun.images.find((image) => image.id === id);
  const last = known(recall(WINDOW, "picture")) ?? known(begun.last_image_id) ?? begun.images[0];
  for (const job of begun.jobs) proposals.follow(job).catch((error) => messages.error(error.message)); // begun before a reload
  await Promise.all([last && opening.open(last.id), segmenters.load()]);
}

/** Do two things one after the other. */
function also(first, second) {
  first();
  second();
}

function loadStyle(name) {
  const href = new URL(name, import.meta.url).href;
  if ([...document.styleSheets].some((sheet) => sheet.href === href)) return undefined;
  return new Promise((resolve, reject) => {
    const link = h("link", { rel: "stylesheet", href });
    link.addEventListener("load", resolve);
    link.addEventListener("error", () => reject(new Error(`The page's style ${href} could not be loaded. Reload the page.`)));
    document.head.append(link);
  });
}

/** A mouse press on a button leaves the keys with the canvas: Enter and Space then mean what the help says. */
function keepFocusOnCanvas(root, host) {
  root.addEventListener("mousedown", (event) => {
    if (event.target.closest("dialog, input, select, textarea, label, .category-pick")) return; // that one is dragged
    if (!event.target.closest("button, a, .canvas-place, .instance, .stage, .toolbar, .topbar, .side")) return;
    event.preventDefault();
    host.querySelector("#canvas").focus({ preventScroll: true });
  });
  window.addEventListener("keydown", (event) => event.key === "Tab" && !event.defaultPrevented && root.classList.add("tabbing"));
  root.addEventListener("pointerdown", () => root.classList.remove("tabbing"), true);
}

/** A function of values that is worked out again only when one of them is another. */
function remembering(values, work) {
  let known = [];
  let result;
  return () => {
    const now = values();
    if (now.some((value, place) => value !== known[place]) || known.length === 0) {
      known = now;
      result = work(...now);
    }
    return result;
  };
}
