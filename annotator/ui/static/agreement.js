/** How far labelers agree: tables by category, labeler and pair; a pair leads to its pictures, and these to the masks. */

import { h, setAttribute } from "./dom.js";
import { count } from "./format.js";
import { icon } from "./icons.js";
import { createOverlay } from "./overlay.js";

const MOST_PAIRS = 30; // that are listed at once

/**
 * @param {object} parts
 * @param {ReturnType<import("./server.js").createServer>} parts.server
 * @param {(imageId: number) => void} parts.go
 */
export function createAgreement({ server, go }) {
  let asked = 0; // of several questions in a row, the last counts
  let pair = null; // [labeler, other]
  let all = []; // pairs
  let pairsOf = null; // the labeler whose pairs are shown; null: everybody's
  const pairsPlace = h("div", { class: "agreement-pairs" });
  const tables = h("div", { class: "agreement-side" });
  const overlay = createOverlay({ go });
  const strip = h("div", { id: "agreement-pictures", class: "agreement-strip", role: "listbox", "aria-label": "Pictures of both, the least alike first" });
  const stage = h("div", { class: "agreement-stage" });
  const element = h("div", { class: "agreement" }, tables, stage);

  const hint = (text) => h("p", { class: "analysis-empty" }, text);
  const failed = (error) => h("p", { class: "problem", role: "alert" }, icon("warning"), error.message);

  async function enter() {
    const mine = (asked += 1);
    pair = null;
    tables.replaceChildren(h("p", { class: "analysis-wait", role: "status" }, h("span", { class: "spinner" }), "Comparing…"));
    stage.replaceChildren();
    try {
      const found = await server.request("class_agreement");
      if (mine !== asked) return;
      showTables(found);
      const [first] = byShared(found.pairs);
      if (first) choosePair(first.labeler, first.other);
    } catch (error) {
      if (mine === asked) tables.replaceChildren(failed(error));
    }
  }

  function showTables(found) {
    if (!found.pictures) {
      tables.replaceChildren(hint("No picture has work of two labelers yet. Give each picture to several labelers (in the tab Labelers), then look again."));
      return;
    }
    const { overall } = found;
    all = found.pairs;
    pairsOf = null;
    tables.replaceChildren(
      h("p", { class: "agreement-overall" }, h("strong", { id: "agreement-overall" }, percent(overall.f1)), ` of all masks have a partner on ${count(found.pictures, "picture")}${overall.paired ? `; the IoU of pairs is ${iou(overall.mean_iou)} on average` : ""}.`),
      table("Category", "categories", found.categories, (one) => one.name),
      table("Labeler", "labelers", found.labelers, (one) => labelerButton(one.name)),
      pairsPlace,
      h("p", { class: "card-note" }, "Two masks of one category are a pair where their IoU is above 0.5."),
    );
    showPairs(null);
  }

  /** The pairs of one labeler, or of all; of many, those who have most in common. */
  function showPairs(of) {
    pairsOf = pairsOf === of ? null : of;
    for (const one of tables.querySelectorAll(".of-labeler")) setAttribute(one, "aria-pressed", String(one.dataset.labeler === pairsOf));
    const some = byShared(all.filter((one) => pairsOf === null || one.labeler === pairsOf || one.other === pairsOf));
    const left = some.length - MOST_PAIRS;
    pairsPlace.replaceChildren(
      table(pairsOf === null ? "Pair" : `Pair with ${pairsOf}`, "pairs", some.slice(0, MOST_PAIRS), pairButton),
      ...(left > 0 ? [h("p", { class: "card-note" }, `and ${left.toLocaleString("en")} more: choose a labeler above to see theirs`)] : []),
    );
    markPair();
  }

  function labelerButton(name) {
    const button = h("button", { type: "button", class: "pair of-labeler", "aria-pressed": "false", dataset: { labeler: name } }, h("span", {}, name));
    button.addEventListener("click", () => {
      showPairs(name);
      pairsPlace.scrollIntoView({ block: "nearest" });
    });
    return button;
  }

  function markPair() {
    for (const one of pairsPlace.querySelectorAll(".pair")) setAttribute(one, "aria-current", pair && one.dataset.labeler === pair[0] && one.dataset.other === pair[1] ? "true" : null);
  }

  function table(title, id, rows, first) {
    return h(
      "table",
      { id: `agreement-${id}`, class: "class-table agreement-table" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, title), ...["Agree", "IoU", "Pairs", "Alone"].map((head) => h("th", { scope: "col", class: "number" }, head)))),
      h("tbody", {}, ...rows.map((one) => h("tr", {}, h("th", { scope: "row" }, first(one)), ...[percent(one.f1), iou(one.mean_iou), one.paired, one.alone].map((cell) => h("td", { class: "number" }, cell))))),
    );
  }

  function pairButton({ labeler, other }) {
    const button = h("button", { type: "button", class: "pair", dataset: { labeler, other } }, h("span", {}, labeler), h("span", { class: "pair-with" }, "×"), h("span", {}, other));
    button.addEventListener("click", () => choosePair(labeler, other));
    return button;
  }

  async function choosePair(labeler, other) {
    const mine = (asked += 1);
    pair = [labeler, other];
    markPair();
    try {
      const { pictures } = await server.request("class_pair", { of_labeler: labeler, other });
      if (mine !== asked) return;
      strip.replaceChildren(...pictures.map(tile));
      stage.replaceChildren(overlay.element, strip);
      if (pictures.length) await choosePicture(pictures[0].image.id);
    } catch (error) {
      if (mine === asked) stage.replaceChildren(failed(error));
    }
  }

  function tile({ image, f1 }) {
    const element = h(
      "button",
      { type: "button", class: "agreement-tile", role: "option", dataset: { imageId: image.id } },
      h("img", { src: new URL(image.thumb, document.baseURI).href, alt: "", loading: "lazy", decoding: "async" }),
      h("span", { class: "agreement-tile-name" }, image.name),
      h("span", { class: "agreement-tile-score" }, percent(f1)),
    );
    element.addEventListener("click", () => choosePicture(image.id));
    return element;
  }

  async function choosePicture(imageId) {
    const mine = (asked += 1);
    for (const one of strip.children) setAttribute(one, "aria-selected", String(Number(one.dataset.imageId) === imageId));
    try {
      const found = await server.request("class_overlay", { image_id: imageId, of_labeler: pair[0], other: pair[1] });
      if (mine === asked) await overlay.show(found);
    } catch (error) {
      if (mine === asked) overlay.fail(error.message);
    }
  }

  return {
    element,
    enter,
    leave() {
      asked += 1;
    },
  };
}

/** Those who have most in common first. */
const byShared = (pairs) => [...pairs].sort((one, other) => other.paired - one.paired);
const percent = (part) => (part === null ? "–" : `${Math.round(100 * part)} %`);
const iou = (value) => (value === null ? "–" : value.toFixed(2));
