/** The three candidates as cards, in the model's order: Q, W, E. */

import { h, setAttribute, setText } from "./dom.js";
import { drawCutout, framesOf, loadPicture } from "./cutout.js";
import { score, share } from "./format.js";
import { icon } from "./icons.js";
import { tip } from "./tooltip.js";

export const CANDIDATE_COLOR = "#00b4ff";
const KEYS = ["Q", "W", "E"];
const PROPORTION = 4 / 3;

/**
 * @param {import("./store.js").Store} store
 * @param {{choose: (index: number) => void}} actions
 * @param {() => object|null} foreseenState
 * @returns {HTMLElement}
 */
export function createCandidates(store, actions, foreseenState) {
  const { state } = store;
  const note = h("p", { class: "panel-note" });
  const cards = KEYS.map((key, index) => createCard(key, index));
  let picture = null; // of the shown image, decoded
  let drawn = null; // the candidates whose cutouts are on the cards

  function createCard(key, index) {
    const canvas = h("canvas", { class: "cutout", "aria-hidden": "true" });
    const parts = { canvas, iou: h("strong", {}), stability: h("span", {}), area: h("span", {}) };
    const card = h(
      "button",
      { type: "button", id: `candidate-${index + 1}`, class: "candidate", disabled: true, "aria-pressed": "false" },
      h("span", { class: "cutout-frame" }, canvas, h("kbd", {}, key), h("span", { class: "chosen-sign" }, icon("check"))),
      h("span", { class: "candidate-numbers" }, parts.iou, parts.stability, parts.area),
    );
    card.addEventListener("click", () => actions.choose(index));
    card.addEventListener("pointerenter", () => store.set({ hoveredCandidate: index }));
    card.addEventListener("pointerleave", () => store.set({ hoveredCandidate: null }));
    return { card, ...parts };
  }

  async function loadShown() {
    picture = null;
    wipe();
    const image = state.images.find((one) => one.id === state.shownId);
    if (!image) return;
    try {
      const loaded = await loadPicture(new URL(image.url, document.baseURI).href);
      if (state.shownId !== image.id) return;
      picture = loaded;
      show();
    } catch {
      picture = null; // the canvas says that the picture is missing; the cards keep their numbers
    }
  }

  function show() {
    const session = foreseenState();
    const candidates = session?.candidates ?? null;
    const image = session?.image;
    cards.forEach(({ card, iou, stability, area }, index) => {
      const candidate = candidates?.[index];
      card.disabled = !candidate;
      setAttribute(card, "aria-pressed", String(Boolean(candidate) && session.chosen === index));
      setText(iou, candidate ? score(candidate.predicted_iou) : "");
      setText(stability, candidate ? score(candidate.stability_score) : "");
      setText(area, candidate ? share(candidate.area, image.width * image.height) : "");
      if (!candidate) return;
      tip(
        card,
        `Predicted IoU ${candidate.predicted_iou.toFixed(3)} · stability ${candidate.stability_score.toFixed(3)} · ` +
          `${candidate.area.toLocaleString("en")} pixels`,
        KEYS[index],
      );
      card.setAttribute("aria-label", `Candidate ${index + 1}: ${card.dataset.tip}`);
    });
    setText(note, candidates ? "IoU · stability · area" : hint(session));
    if (candidates !== drawn) requestAnimationFrame(() => setTimeout(draw)); // after the canvas: it is what is waited for
  }

  function hint(session) {
    if (!session) return "";
    if (session.encoding) return "as soon as the picture is encoded";
    return session.points.length || session.box ? "…" : "click an object, or drag a box";
  }

  function draw() {
    const candidates = foreseenState()?.candidates ?? null;
    if (candidates === drawn || (candidates && !picture)) return;
    if (!candidates) return wipe();
    drawn = candidates;
    const frames = framesOf(candidates.map((candidate) => candidate.rle), PROPORTION);
    candidates.forEach((candidate, index) => drawCutout(cards[index].canvas, picture, candidate.rle, frames[index], CANDIDATE_COLOR));
  }

  function wipe() {
    drawn = null;
    for (const { canvas } of cards) canvas.width = 0;
  }

  store.on(["session", "pending"], show);
  store.on(["shownId"], loadShown);

  return h(
    "section",
    { class: "panel candidates", "aria-label": "Candidates" },
    h("header", { class: "panel-head" }, h("h2", {}, "Candidates"), note),
    h("div", { class: "candidate-cards" }, ...cards.map(({ card }) => card)),
  );
}
