/** The page "Data set": figures of all pictures, a gallery of all instances, and checks. */

import { createChecks } from "./checks.js";
import { openDialog } from "./dialog.js";
import { h, setAttribute } from "./dom.js";
import { factList, figureCard } from "./figure.js";
import { createGallery } from "./gallery.js";
import { icon } from "./icons.js";
import { createLooking } from "./looking.js";
import { draw, loadPlotly } from "./plotly.js";
import { categoryOf, withImage } from "./store.js";

const TABS = { figures: "Figures", gallery: "Gallery", checks: "Checks" };

/**
 * @param {object} parts
 * @param {HTMLElement} parts.root
 * @param {import("./store.js").Store} parts.store
 * @param {ReturnType<import("./server.js").createServer>} parts.server
 * @param {() => Promise<void>} parts.settled waits for unsaved actions of the open picture
 * @param {(imageId: number) => Promise<void>} parts.open
 * @param {(instanceId: number) => void} parts.select on the picture that is shown
 * @param {(box: number[]) => void} parts.reveal goes near to it where it would be a speck
 * @param {(category: object) => void} parts.editCategory
 */
export function createDataSet({ root, store, server, settled, open, select, reveal, editCategory }) {
  const { state } = store;
  const looking = createLooking(server);
  const changed = new Set(); // ids of pictures that are not as the page knows them
  let dialog = null;
  let shown = "figures";
  let going = false; // to a finding or an instance: what is open then is opened anew already

  function onChanged(answer) {
    answer.image_ids.forEach((id) => changed.add(id));
    store.set({ categories: answer.categories, images: answer.images.reduce(withImage, state.images) });
  }

  /** Open the picture, and select the instance there. */
  async function go(imageId, instanceId) {
    going = true;
    dialog?.close();
    if (state.shownId !== imageId || changed.delete(imageId)) await open(imageId);
    const instance = state.shownId === imageId && state.session.instances.find((one) => one.id === instanceId);
    if (!instance) return;
    select(instanceId);
    reveal(instance.bbox_xywh);
  }

  function goToCategory(categoryId) {
    dialog?.close();
    document.querySelector(`.category[data-id="${categoryId}"]`)?.scrollIntoView({ block: "nearest" });
    const category = categoryOf(state, categoryId);
    if (category) editCategory(category); // where it can be deleted
  }

  const parts = {
    figures: createFigures({ server, settled, chooseCategory: (categoryId) => choose("gallery", { categoryId }) }),
    gallery: createGallery({ store, server, looking, settled, onChanged, go }),
    checks: createChecks({ server, looking, settled, go, goToCategory }),
  };
  const frame = h("div", { id: "dataset-frame", class: "dataset-frame", role: "tabpanel" });
  const tabs = Object.entries(TABS).map(([name, title]) => tab(name, title));

  function tab(name, title) {
    const element = h("button", { type: "button", class: "tab", role: "tab", id: `dataset-${name}`, "aria-controls": "dataset-frame" }, title);
    element.addEventListener("click", () => choose(name));
    element.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      event.stopPropagation();
      const other = tabs[(tabs.indexOf(element) + step + tabs.length) % tabs.length];
      other.click();
      other.focus();
    });
    return element;
  }

  function choose(name, wanted) {
    parts[shown].leave();
    shown = name;
    for (const one of tabs) {
      const chosen = one.id === `dataset-${name}`;
      setAttribute(one, "aria-selected", String(chosen));
      one.tabIndex = chosen ? 0 : -1;
    }
    frame.setAttribute("aria-labelledby", `dataset-${name}`);
    frame.replaceChildren(parts[name].element);
    parts[name].enter(wanted);
  }

  function show() {
    going = false;
    dialog = openDialog(root, {
      id: "dataset-dialog",
      title: "Data set",
      className: "dataset",
      body: [h("div", { class: "tabs", role: "tablist", "aria-label": "Of the data set" }, ...tabs), frame],
      onClose() {
        parts[shown].leave();
        dialog = null;
        if (!going && changed.has(state.shownId)) open(state.shownId);
        changed.clear();
      },
    });
    dialog.element.addEventListener("keydown", (event) => parts[shown].key(event));
    const themes = new MutationObserver(() => parts.figures.redraw());
    themes.observe(document.body, { attributes: true, attributeFilter: ["class"] });
    dialog.element.addEventListener("close", () => themes.disconnect());
    choose(shown);
    tabs.find((one) => one.tabIndex === 0).focus();
    if (shown === "gallery") parts.gallery.element.querySelector(".grid").focus();
  }

  return { show };
}

function createFigures({ server, settled, chooseCategory }) {
  const element = h("div", { class: "dataset-figures" });
  let turn = 0;
  let plotly = null;
  let drawn = [];

  function clear() {
    for (const { place } of drawn) plotly?.purge(place);
    drawn = [];
  }

  async function enter() {
    const mine = (turn += 1);
    clear();
    element.replaceChildren(h("p", { class: "analysis-wait", role: "status" }, h("span", { class: "spinner" }), "Counting…"));
    try {
      await settled();
      const { facts, figures, plotly: address } = await server.request("overview_figures");
      const loaded = figures.length ? await loadPlotly(address) : null;
      if (mine !== turn) return;
      plotly = loaded;
      if (figures.length === 0) {
        element.replaceChildren(h("p", { id: "dataset-empty", class: "analysis-empty" }, "No pictures yet. Import some, then look again."));
        return;
      }
      drawn = figures.map((one) => ({ ...one, ...figureCard(one) }));
      element.replaceChildren(factList(facts), h("div", { class: "figures" }, ...drawn.map((one) => one.element)));
      redraw();
      const bars = drawn.find((one) => one.name === "categories")?.place;
      bars?.on("plotly_click", ({ points: [point] }) => point.customdata && chooseCategory(point.customdata));
    } catch (error) {
      if (mine === turn) element.replaceChildren(h("p", { class: "problem", role: "alert" }, icon("warning"), error.message));
    }
  }

  function redraw() {
    for (const { place, figure } of drawn) draw(plotly, place, figure);
  }

  return {
    element,
    key() {},
    enter,
    redraw,
    leave() {
      turn += 1;
      clear();
    },
  };
}
