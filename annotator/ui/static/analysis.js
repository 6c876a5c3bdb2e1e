/** The analysis: figures about the masks of this picture and of the workspace, and the mask behind a dot. */

import { CANDIDATE_COLOR } from "./candidates.js";
import { drawCutout, framesOf, loadPicture } from "./cutout.js";
import { button, openDialog } from "./dialog.js";
import { h, setAttribute } from "./dom.js";
import { factList, figureCard } from "./figure.js";
import { score, share } from "./format.js";
import { icon } from "./icons.js";
import { draw, loadPlotly } from "./plotly.js";
import { categoryOf, currentImage } from "./store.js";

const TABS = { picture: "This picture", workspace: "Workspace" };
const NOTHING = {
  picture: "No masks on this picture yet. Save an instance or propose masks, then look again.",
  workspace: "No masks in the workspace yet. Save an instance or propose masks, then look again.",
};
const ORIGINS = { click: "clicked", auto: "accepted proposal", import: "imported" };

/**
 * @param {object} parts
 * @param {HTMLElement} parts.root
 * @param {import("./store.js").Store} parts.store
 * @param {object} parts.server
 * @param {() => Promise<void>} parts.settled waits for unsaved actions
 * @param {(imageId: number) => Promise<void>} parts.open
 * @param {(kind: "instance"|"proposal", id: number) => void} parts.select on the picture that is shown
 */
export function createAnalysis({ root, store, server, settled, open, select }) {
  const { state } = store;
  let wanted = null; // id of a proposal that is to be selected when its picture's are listed

  const isOffered = (id) => state.offered.some((one) => one.id === id);

  /** Only a proposal that can be seen is selected: what is selected is named by the next key. */
  function selectMask(kind, id) {
    wanted = null;
    if (kind === "instance") return select(kind, id);
    store.set({ proposalsOn: true });
    if (!state.proposals) wanted = id;
    else if (isOffered(id)) select(kind, id);
  }

  store.on(["offered"], () => {
    if (wanted === null || !state.proposals) return;
    selectMask("proposal", wanted);
  });

  function show() {
    const shownId = state.currentId;
    const frame = h("div", { id: "analysis-frame", role: "tabpanel", "aria-live": "polite" });
    const tabs = Object.entries(TABS).map(([name, title]) => tab(name, title, name === "picture" && shownId === null));
    const dialog = openDialog(root, {
      id: "analysis-dialog",
      title: "Analysis",
      className: "analysis",
      body: [h("div", { class: "tabs", role: "tablist", "aria-label": "Masks of" }, ...tabs), frame],
      actions: [button("Close", () => dialog.close(), { kind: "primary" })],
      onClose() {
        turn += 1;
        themes.disconnect();
        clear();
      },
    });
    const themes = new MutationObserver(() => drawn.forEach((again) => again()));
    themes.observe(document.body, { attributes: true, attributeFilter: ["class"] });
    let turn = 0; // of several tabs asked for in a row, the last counts
    let plotly = null;
    let drawn = []; // draws each figure again

    function tab(name, title, disabled) {
      const element = h("button", { type: "button", class: "tab", role: "tab", id: `analysis-${name}`, "aria-controls": "analysis-frame", disabled, autofocus: !disabled && (name === "picture" || shownId === null) }, title);
      element.addEventListener("click", () => choose(name));
      element.addEventListener("keydown", (event) => {
        if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
        const other = tabs.find((one) => one !== element && !one.disabled);
        other?.focus();
        other?.click();
      });
      return element;
    }

    function clear() {
      for (const place of frame.querySelectorAll(".plot")) plotly?.purge(place);
      drawn = [];
    }

    async function choose(name) {
      const mine = (turn += 1);
      for (const one of tabs) {
        const chosen = one.id === `analysis-${name}`;
        setAttribute(one, "aria-selected", String(chosen));
        one.tabIndex = chosen ? 0 : -1;
      }
      frame.setAttribute("aria-labelledby", `analysis-${name}`);
      clear();
      frame.replaceChildren(h("p", { class: "analysis-wait", role: "status" }, h("span", { class: "spinner" }), "Looking at the masks…"));
      try {
        await settled(); // what was just saved belongs into it
        const analysis = await server.request("analysis", { image_id: name === "picture" ? shownId : null });
        const loaded = analysis.figures.length ? await loadPlotly(analysis.plotly) : null;
        if (mine !== turn) return;
        plotly = loaded;
        fill(name, analysis);
      } catch (error) {
        if (mine === turn) frame.replaceChildren(h("p", { class: "problem", role: "alert" }, icon("warning"), error.message));
      }
    }

    function fill(name, { facts, figures }) {
      if (figures.length === 0) {
        frame.replaceChildren(h("p", { id: "analysis-empty", class: "analysis-empty" }, NOTHING[name]));
        return;
      }
      const preview = createPreview();
      const [first, ...others] = figures.map((figure) => ({ ...figure, ...figureCard(figure) }));
      frame.replaceChildren(
        factList(facts),
        h("div", { class: "figures first" }, first.element, preview.element),
        h("div", { class: "figures" }, ...others.map((one) => one.element)),
      );
      for (const { place, figure } of [first, ...others]) {
        draw(plotly, place, figure);
        drawn.push(() => draw(plotly, place, figure));
      }
      first.place.on("plotly_click", ({ points: [point] }) => {
        mark(first.place, point);
        preview.show(point.customdata);
      });
    }

    /** The chosen dot stands out until another is. */
    function mark(place, { curveNumber, pointNumber }) {
      plotly.restyle(place, {
        selectedpoints: place.data.map((_, number) => (number === curveNumber ? [pointNumber] : [])),
        "selected.marker.size": 14,
        "selected.marker.opacity": 1,
        "unselected.marker.opacity": 0.5,
      });
    }

    function createPreview() {
      const canvas = h("canvas", { class: "preview-picture", hidden: true });
      const words = h("dl", { class: "preview-facts" });
      const hint = h("p", { class: "panel-note" }, "Click a dot to see its mask.");
      const go = button("", () => {}, { id: "analysis-show" });
      go.hidden = true;
      const element = h("aside", { id: "analysis-preview", class: "preview", "aria-label": "Mask of the chosen dot", "aria-live": "polite" }, hint, canvas, words, go);
      let asked = 0;

      async function showMask([kind, id, imageId]) {
        const mine = (asked += 1);
        const isHere = imageId === state.shownId;
        if (isHere) selectMask(kind, id);
        try {
          const { image, mask } = await server.request("mask", { kind, mask_id: id, image_id: imageId });
          const picture = await loadPicture(new URL(image.url, document.baseURI).href).catch(() => {
            throw new Error(`The picture ${image.name} could not be loaded.`);
          });
          if (mine !== asked || !element.isConnected) return;
          const category = kind === "instance" ? categoryOf(state, mask.category_id) : null;
          element.dataset.mask = `${kind}-${id}`;
          hint.hidden = true;
          canvas.hidden = go.hidden = false;
          const [frameOfMask] = framesOf([mask.rle], canvas.clientWidth / canvas.clientHeight);
          drawCutout(canvas, picture, mask.rle, frameOfMask, category?.color ?? CANDIDATE_COLOR);
          words.replaceChildren(
            ...pairs({
              Mask: kind === "instance" ? (category?.name ?? "Instance") : "Proposal",
              Picture: image.name,
              "Predicted IoU": score(mask.predicted_iou),
              Stability: score(mask.stability_score),
              Area: `${mask.area.toLocaleString("en")} pixels, ${share(mask.area, image.width * image.height)}`,
              Offered: kind === "proposal" && isHere && state.proposals && !isOffered(id) ? "not with the thresholds of now" : "",
              Made: [ORIGINS[mask.origin] ?? "proposed", mask.model].filter(Boolean).join(", "),
            }),
          );
          go.textContent = isHere ? "Show on the canvas" : "Open its picture";
          go.onclick = async () => {
            dialog.close();
            if (state.shownId !== imageId) await open(imageId);
            if (state.shownId === imageId) selectMask(kind, id);
          };
        } catch (error) {
          if (mine !== asked) return;
          hint.textContent = error.message;
          hint.hidden = false;
          canvas.hidden = go.hidden = true;
          words.replaceChildren();
        }
      }

      return { element, show: showMask };
    }

    choose(currentImage(state) ? "picture" : "workspace");
  }

  return { show };
}

function pairs(values) {
  return Object.entries(values).flatMap(([name, value]) => (value ? [h("dt", {}, name), h("dd", {}, value)] : []));
}
