/** The bar at the top: where one is, how far the picture is, which segmenter is at work, and the way out. */

import { h, setAttribute, setText } from "./dom.js";
import { bytes } from "./format.js";
import { icon } from "./icons.js";
import { createReviewButtons } from "./review.js";
import { createSignedIn } from "./signedin.js";
import { STATUS_WORDS } from "./pictures.js";
import { currentImage, isGivenOut } from "./store.js";
import { toggleTheme } from "./theme.js";
import { tip } from "./tooltip.js";

/** What comes about in the review, and is not chosen. */
const REVIEW = ["submitted", "returned", "accepted"];

/** A button with an icon alone; what it does is said by its tooltip. */
export function iconButton(id, name, text, keys, onclick) {
  return tip(h("button", { type: "button", id, class: "icon-button", onclick }, icon(name)), text, keys);
}

/**
 * @param {import("./store.js").Store} store
 * @param {object} actions
 * @returns {HTMLElement}
 */
export function createHeader(store, actions) {
  const { state } = store;
  const position = h("span", { id: "position", class: "position" });
  const name = h("span", { id: "current-name", class: "current-name" });
  const sign = h("span", { class: "status-sign" });
  const status = h(
    "select",
    { id: "status", class: "select flat", "aria-label": "Status of this picture" },
    ...Object.entries(STATUS_WORDS).map(([value, word]) => h("option", { value, disabled: REVIEW.includes(value) }, word)),
  );
  status.addEventListener("change", () => {
    actions.setStatus(status.value);
    status.blur();
  });
  const statusBox = h("label", { class: "status-box" }, sign, status);
  const done = h("button", { type: "button", id: "done", class: "button", onclick: actions.doneAndNext }, icon("check"), h("span", {}, "Done"));
  tip(done, "Mark this picture done and go to the next", "Ctrl+Enter");
  const previous = iconButton("previous", "previous", "Previous picture", "A", actions.previous);
  const next = iconButton("next", "next", "Next picture", "D", actions.next);

  const model = h("span", { class: "segmenter-words" });
  const segmenter = h("button", { type: "button", id: "segmenter", class: "button quiet", "aria-haspopup": "dialog" }, icon("model"), model, icon("down"));
  segmenter.addEventListener("click", () => actions.showSegmenters(segmenter));
  const offer = h("button", { type: "button", id: "offer", class: "button link instructors", hidden: true });
  offer.addEventListener("click", () => actions.switchSegmenter(offer.dataset.name));
  const exportButton = h("button", { type: "button", id: "export", class: "button primary", onclick: actions.showExport }, icon("export"), h("span", {}, "Export"));
  tip(exportButton, "Write a data set to download");

  function showPicture() {
    const image = currentImage(state);
    const place = state.images.indexOf(image);
    setText(position, image ? `${place + 1} / ${state.images.length}` : state.images.length ? `– / ${state.images.length}` : "");
    setText(name, image?.name ?? "");
    name.title = image ? `${image.name} · ${image.width} × ${image.height}` : "";
    statusBox.hidden = !image;
    done.hidden = !image;
    if (image) {
      if (status.value !== image.status) status.value = image.status;
      if (sign.dataset.status !== image.status) {
        sign.dataset.status = image.status;
        sign.replaceChildren(icon(image.status));
      }
    }
    setAttribute(previous, "disabled", actions.neighbour(-1) === null);
    setAttribute(next, "disabled", actions.neighbour(1) === null && !isGivenOut(state));
    setAttribute(exportButton, "disabled", state.images.length === 0);
  }

  function showSegmenter() {
    const active = state.segmenter;
    const words = active ? `${active.title}, ${active.device.toUpperCase()}` : "…";
    setText(model, words);
    tip(segmenter, `The segmenter at work: ${words}`);
    const other = active?.name === "builtin" ? state.segmenters.find((one) => one.name === "vit_b" && !one.active) : null;
    offer.hidden = !other || state.switching !== null;
    if (!other) return;
    offer.dataset.name = other.name;
    setText(offer, other.ready ? `Use ${other.title}` : `Get ${other.title} · ${bytes(other.download_bytes)}`);
    tip(offer, "A larger model: finer masks, a longer wait for each picture");
  }

  const classButton = iconButton("class", "people", "The class: progress, model, announcements, backup", "Y", actions.showClass);
  classButton.classList.add("instructors");

  store.on(["images", "currentId", "filter", "assignment"], showPicture);
  store.on(["segmenter", "segmenters", "switching"], showSegmenter);

  return h(
    "header",
    { class: "topbar" },
    h(
      "div",
      { class: "topbar-part" },
      iconButton("toggle-pictures", "list", "Show or hide the pictures", "L", actions.togglePictures),
      h("span", { class: "stepper" }, previous, position, next),
      name,
      statusBox,
      done,
      createReviewButtons(store, actions),
    ),
    h(
      "div",
      { class: "topbar-part end" },
      offer,
      segmenter,
      exportButton,
      iconButton("analysis", "chart", "Analysis: scores, sizes, categories", "I", actions.showAnalysis),
      iconButton("history-button", "history", "History of this picture", "Shift+H", actions.showHistory),
      iconButton("dataset", "gallery", "Data set: figures, all instances, checks", "V", actions.showDataSet),
      classButton,
      iconButton("help", "help", "Keys and mouse", "?", actions.showHelp),
      iconButton("theme", "theme", "Light or dark", "", toggleTheme),
      createSignedIn(store),
    ),
  );
}
