/** What the canvas's place shows where there is no picture: how to bring some in, and the first few keys. */

import { h } from "./dom.js";
import { icon } from "./icons.js";

const FIRST_STEPS = [
  ["Click", "an object: three candidate masks answer"],
  ["Right click", "what is not part of it"],
  ["Q W E", "choose a candidate"],
  ["1 … 9", "save it under a category"],
  ["D", "next picture"],
];

/**
 * @param {import("./store.js").Store} store
 * @param {{chooseFiles: () => void, chooseFolder: () => void, importSamples: () => void}} actions
 */
export function createEmptyState(store, actions) {
  const samples = h("button", { type: "button", class: "button", id: "samples", onclick: actions.importSamples }, "Use the sample pictures");
  const choose = h("button", { type: "button", class: "button primary", id: "empty-import", onclick: actions.chooseFiles }, "Import");
  const folder = h("button", { type: "button", class: "button", id: "empty-folder", onclick: actions.chooseFolder }, "A folder");
  const element = h(
    "div",
    { id: "empty", class: "empty-state", hidden: true },
    h(
      "div",
      { class: "drop-zone" },
      icon("picture"),
      h("h2", {}, "Drop pictures or a data set here"),
      h("p", {}, "Files, whole folders or zips: JPEG, PNG, WebP, BMP, TIFF, with or without labels (COCO, YOLO, labelme, VOC, label maps). They stay on this server."),
      h("div", { class: "drop-buttons" }, choose, folder, samples),
    ),
    h(
      "dl",
      { class: "first-steps" },
      ...FIRST_STEPS.flatMap(([keys, what]) => [h("dt", {}, h("kbd", {}, keys)), h("dd", {}, what)]),
    ),
  );
  store.on(["ready", "images", "samplesAvailable"], () => {
    element.hidden = !store.state.ready || store.state.images.length > 0;
    samples.hidden = !store.state.samplesAvailable;
  });
  return element;
}
