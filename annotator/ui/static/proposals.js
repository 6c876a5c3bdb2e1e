/** Proposals of the picture on the canvas: having them made, sifting, selecting, naming and rejecting them. */

import { jobPart } from "./dialog.js";
import { count } from "./format.js";
import { BROWSER, recall, remember } from "./memory.js";
import { hasPrompt } from "./session.js";
import { visible } from "./sifting.js";
import { categoryOf } from "./store.js";

const NONE = Object.freeze([]);
const FEWEST_ALIKE = 0.5; // a gap in likeness below it does not part the alike from the rest
const LOOK_AGAIN_MS = 1500; // while the shown picture waits in a longer job

/**
 * @param {object} parts
 * @param {import("./store.js").Store} parts.store
 * @param {ReturnType<import("./server.js").createServer>} parts.server
 * @param {ReturnType<import("./jobs.js").createJobs>} parts.jobs
 * @param {ReturnType<import("./messages.js").createMessages>} parts.messages
 * @param {(kind: string, details: object) => boolean} parts.act
 * @param {(imageId: number) => Promise<void>} parts.idle waits until what was done is recorded
 * @param {() => object|null} parts.foreseenState
 */
export function createProposals({ store, server, jobs, messages, act, idle, foreseenState }) {
  const { state } = store;
  let turn = 0; // of several lists asked for, the last counts
  let given = null; // the instances that the list was made beside
  let gone = new Set(); // named or rejected, and not yet listed so

  let model = null; // whose grid is shown
  let gridKnown = Promise.resolve();

  /** The grid last used with the segmenter at work, else its own. */
  async function loadGrid() {
    model = state.segmenter?.name ?? null;
    if (!model) return;
    try {
      const { settings } = await server.request("proposal_settings");
      store.set({ grid: recall(BROWSER, "grid")?.[model] ?? settings.points_per_side });
    } catch (error) {
      messages.error(error.message);
    }
  }
  store.on(["segmenter"], () => {
    if (state.segmenter?.name !== model) gridKnown = loadGrid();
  });

  // the list

  async function load() {
    const imageId = state.shownId;
    const mine = (turn += 1);
    if (imageId === null) return;
    try {
      await idle(imageId);
      given = state.session?.instances ?? null;
      const found = await server.request("list_proposals", { image_id: imageId });
      if (mine !== turn || imageId !== state.shownId) return;
      gone = new Set();
      store.set({ proposals: found, sift: state.proposals?.run?.model === found.run?.model && state.sift ? within(found.floor, state.sift) : usual(found) });
    } catch (error) {
      messages.error(error.message);
    }
  }

  /** List again what is listed: something was done that may have changed it. */
  function refresh() {
    if (state.proposals) load();
  }

  /** The thresholds last used with that model, else those that the proposals were made with. */
  function usual({ run, floor }) {
    const { pred_iou_thresh, stability_score_thresh, min_mask_region_area: min_area } = run?.settings ?? {};
    const made = { pred_iou_thresh: pred_iou_thresh ?? 0, stability_score_thresh: stability_score_thresh ?? 0, min_area: min_area ?? 0 };
    return within(floor, { ...made, ...recall(BROWSER, "sift")?.[run?.model] });
  }

  const within = (floor, sift) => ({
    ...sift,
    pred_iou_thresh: Math.max(sift.pred_iou_thresh, floor.pred_iou_thresh),
    stability_score_thresh: Math.max(sift.stability_score_thresh, floor.stability_score_thresh),
  });

  function setSift(change) {
    const sift = { ...state.sift, ...change };
    store.set({ sift });
    const model = state.proposals?.run?.model;
    if (model) remember(BROWSER, "sift", { ...recall(BROWSER, "sift"), [model]: sift });
  }

  function setGrid(grid) {
    store.set({ grid });
    if (model) remember(BROWSER, "grid", { ...recall(BROWSER, "grid"), [model]: grid });
  }

  /** What is offered: not rejected, not saved already; the most alike first where they were compared. */
  function sifted() {
    const { proposals: found, sift, likeness } = state;
    if (!found || !sift) return NONE;
    const chosen = visible(found.proposals, { ...sift, box_nms_thresh: found.floor.box_nms_thresh });
    const open = chosen.filter((one) => !one.rejected && one.overlap < found.duplicate_iou && !gone.has(one.id));
    if (likeness) open.sort((a, b) => (likeness.scores[b.id] ?? -1) - (likeness.scores[a.id] ?? -1));
    return open;
  }

  function sift() {
    const offered = sifted();
    const ids = new Set(offered.map((one) => one.id));
    const stay = state.selectedProposals.filter((id) => ids.has(id));
    store.set({ offered, selectedProposals: stay.length === state.selectedProposals.length ? state.selectedProposals : stay });
    if (!ids.has(state.hoveredProposal)) store.set({ hoveredProposal: null });
  }

  store.on(["proposals", "sift", "likeness"], sift);
  store.on(["selectedId"], () => {
    if (state.selectedId !== null) store.set({ selectedProposals: NONE }); // a key then means the instance alone
  });
  store.on(["shownId"], () => {
    gone = new Set();
    store.set({ proposals: null, likeness: null, selectedProposals: NONE, hoveredProposal: null });
    if (state.images.find((image) => image.id === state.shownId)?.proposals) load();
  });
  store.on(["session"], () => {
    const instances = state.session?.instances ?? null;
    if (state.proposals && instances && given && instances !== given) refresh();
  });

  // having them made

  /** @param {"this"|"open"|"all"} scope the picture on the canvas, all that are not done, or all */
  async function propose(scope = "this") {
    if (state.images.length === 0) return;
    await gridKnown;
    const settings = state.grid === null ? {} : { points_per_side: state.grid };
    if (scope === "this" && state.shownId === null) return;
    const open = () => state.images.filter((image) => image.status !== "done").map((image) => image.id);
    const image_ids = scope === "this" ? [state.shownId] : scope === "open" ? open() : null;
    if (image_ids?.length === 0) return messages.info("Every picture is done already.");
    store.set({ proposalsOn: true });
    try {
      await follow(await server.request("propose", { image_ids, settings, again: scope === "this" }));
    } catch (error) {
      messages.error(error.message);
    }
  }

  /** Show how far a job is, and list what it found on the shown picture. */
  async function follow(begun) {
    const cancel = () => server.request("cancel_job", { job_id: begun.id }).catch((error) => messages.error(error.message));
    const card = jobs.begin("Proposing masks", cancel);
    const concerns = (imageId) => begun.image_ids.length === 0 || begun.image_ids.includes(imageId);
    let looked = Date.now();
    try {
      const job = await server.follow(begun, (now) => {
        card.show(jobPart(now), [now.message, left(now.seconds_left)].filter(Boolean).join(" · "));
        const waits = !state.proposals || state.proposals.run?.state === "waiting";
        if (begun.image_ids.length === 1 || !waits || !concerns(state.shownId) || Date.now() - looked < LOOK_AGAIN_MS) return;
        looked = Date.now();
        load();
      });
      store.set({ images: await server.request("list_images") });
      if (concerns(state.shownId)) await load();
      for (const line of job.lines ?? []) messages.error(line);
      if (job.state === "failed") messages.error(job.message);
      else if (job.state === "cancelled") messages.info(`Stopped. ${job.message}`);
      else if (begun.image_ids.length !== 1) messages.success(job.message);
    } finally {
      card.end();
    }
  }

  // selecting

  const shown = () => state.proposalsOn && state.offered.length > 0 && !hasPrompt(foreseenState());

  function select(ids) {
    store.set({ selectedProposals: ids.length ? ids : NONE, selectedId: ids.length ? null : state.selectedId });
  }

  /** Select one alone, or (`more`) take it in or out. */
  function toggle(id, more = false) {
    const had = state.selectedProposals.includes(id);
    if (more) select(had ? state.selectedProposals.filter((one) => one !== id) : [...state.selectedProposals, id]);
    else select(had && state.selectedProposals.length === 1 ? NONE : [id]);
  }

  /** Add all that lie in a box with more than half of theirs: {x0, y0, x1, y1}, pixels, both corners inside. */
  function selectBox({ x0, y0, x1, y1 }) {
    const inside = state.offered.filter(({ bbox_xywh: [x, y, width, height] }) => {
      const across = Math.min(x + width, x1 + 1) - Math.max(x, x0);
      const down = Math.min(y + height, y1 + 1) - Math.max(y, y0);
      return across > 0 && down > 0 && 2 * across * down > width * height;
    });
    select([...new Set([...state.selectedProposals, ...inside.map((one) => one.id)])]);
  }

  function step(by) {
    const { offered, selectedProposals } = state;
    if (!shown()) return;
    const place = offered.findIndex((one) => one.id === selectedProposals.at(-1));
    select([offered[place < 0 ? (by > 0 ? 0 : offered.length - 1) : (place + by + offered.length) % offered.length].id]);
  }

  // what becomes of them; each tells whether there was something selected

  function accept(categoryId) {
    const ids = state.selectedProposals;
    if (!ids.length || !act("accept_proposals", { proposal_ids: ids, category_id: categoryId })) return false;
    store.set({ lastCategoryId: categoryId, likeness: null });
    leave(ids);
    return true;
  }

  function acceptWithLast() {
    if (!state.selectedProposals.length) return false;
    const category = categoryOf(state, state.lastCategoryId);
    if (!category) messages.info(state.categories.length ? "Choose a category: click it, or press its key." : "Add a category first: press N and type its name.");
    return !category || accept(category.id);
  }

  function reject() {
    const ids = state.selectedProposals;
    if (!ids.length || !act("reject_proposals", { proposal_ids: ids })) return false;
    leave(ids);
    return true;
  }

  /** They are gone from the page at once; the list that follows says the same. */
  function leave(ids) {
    for (const id of ids) gone.add(id);
    store.set({ selectedProposals: NONE, hoveredProposal: null });
    sift();
    load();
  }

  // likeness

  /** Put those first that look like the selected proposal or instance, and select the ones that clearly do. */
  async function moreLike() {
    const reference = state.selectedProposals.length ? { proposal_id: state.selectedProposals[0] } : { instance_id: state.selectedId };
    if (!shown() || Object.values(reference)[0] === null) {
      return messages.info("Select a proposal or an instance first: what looks like it comes first then.");
    }
    try {
      const { likeness: scores } = await server.request("like_proposals", { image_id: state.shownId, ...reference });
      store.set({ likeness: { scores, least: clearlyAlike(state.offered.map((one) => scores[one.id] ?? -1)) } });
      selectAlike();
    } catch (error) {
      messages.error(error.message);
    }
  }

  function setLeastAlike(least) {
    store.set({ likeness: { ...state.likeness, least } });
    selectAlike();
  }

  function selectAlike() {
    const { scores, least } = state.likeness;
    select(sifted().filter((one) => (scores[one.id] ?? -1) >= least).map((one) => one.id));
  }

  /** Leave the likeness, else the selection. @returns {boolean} whether there was one */
  function escape() {
    if (!state.likeness && !state.selectedProposals.length) return false;
    store.set({ likeness: null, selectedProposals: NONE });
    return true;
  }

  return {
    propose, follow, refresh, setSift, setGrid, select, toggle, selectBox, step, shown, accept, acceptWithLast, reject, moreLike, setLeastAlike, escape,
    selectAll: () => select(state.offered.map((one) => one.id)),
    setShown: (on) => store.set({ proposalsOn: on, selectedProposals: NONE, hoveredProposal: null }),
  };
}

/** Where the alike part from the rest: the middle of the widest gap between neighbouring likenesses, 0..1. */
export function clearlyAlike(scores) {
  const sorted = scores.filter((score) => score >= FEWEST_ALIKE).sort((a, b) => b - a);
  let [widest, least] = [-1, FEWEST_ALIKE];
  for (let place = 1; place < sorted.length; place += 1) {
    const gap = sorted[place - 1] - sorted[place];
    if (gap > widest) [widest, least] = [gap, (sorted[place - 1] + sorted[place]) / 2];
  }
  return least;
}

function left(seconds) {
  if (seconds === null || seconds === undefined || seconds < 1) return "";
  if (seconds < 90) return `${Math.ceil(seconds)} s left`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min left` : `${(seconds / 3600).toFixed(1)} h left`;
}

/** @param {number} selected @param {number} offered */
export function selectionWords(selected, offered) {
  if (selected) return `${selected} selected · a category's key names ${selected === 1 ? "it" : "them"}`;
  return `${count(offered, "proposal")} · click one, Shift+drag many`;
}
