/** The bar under the canvas: undo, what a tap means, a word on what to do, and the zoom. */

import { h, setAttribute, setText } from "./dom.js";
import { iconButton } from "./header.js";
import { icon } from "./icons.js";
import { hasPrompt } from "./session.js";
import { categoryOf } from "./store.js";
import { tip } from "./tooltip.js";

/**
 * @param {import("./store.js").Store} store
 * @param {object} actions
 * @param {() => object|null} foreseenState
 * @returns {HTMLElement}
 */
export function createToolbar(store, actions, foreseenState) {
  const { state } = store;
  const undo = iconButton("undo", "undo", "Undo", "Ctrl+Z", actions.undo);
  const redo = iconButton("redo", "redo", "Redo", "Ctrl+Shift+Z", actions.redo);
  const clear = iconButton("clear", "clear", "Clear the prompt", "Esc", actions.clear);
  const plus = h("button", { type: "button", id: "tap-plus", "aria-pressed": "true" }, icon("plus"));
  const minus = h("button", { type: "button", id: "tap-minus", "aria-pressed": "false" }, icon("minus"));
  tip(plus, "A click adds a foreground point");
  tip(minus, "A click adds a background point (the other button does too)");
  plus.addEventListener("click", () => store.set({ tapLabel: 1 }));
  minus.addEventListener("click", () => store.set({ tapLabel: 0 }));
  const hint = h("p", { class: "hint" });
  const cursor = h("span", { class: "cursor-place" });
  const zoom = tip(h("button", { type: "button", id: "zoom", class: "zoom", onclick: actions.fit }), "Fit the picture", "F");

  function show() {
    const session = foreseenState();
    setAttribute(undo, "disabled", !session?.can_undo);
    setAttribute(redo, "disabled", !session?.can_redo);
    setAttribute(clear, "disabled", !hasPrompt(session) && session?.editing == null);
    tip(undo, session?.undo_name ? `Undo ${session.undo_name}` : "Nothing to undo", "Ctrl+Z");
    tip(redo, session?.redo_name ? `Redo ${session.redo_name}` : "Nothing to redo", "Ctrl+Shift+Z");
    for (const one of [undo, redo]) one.setAttribute("aria-label", one.dataset.tip);
    setText(hint, words(session));
  }

  function words(session) {
    if (!session) return "";
    const last = categoryOf(state, state.lastCategoryId);
    if (session.editing != null) return "Add points to mend the mask · Enter saves it · Esc leaves it as it was";
    if (session.candidates) return last ? `Q W E choose · a category's key saves · Enter saves as ${last.name}` : "Q W E choose · a category's key saves";
    if (state.selectedProposals.length) return "A category's key names them · X rejects · M more like it · Esc selects none";
    if (state.proposalsOn && state.offered.length) return "Click a proposal · Shift+drag many · P hides them for points";
    if (state.selectedId !== null) return "S edits · a category's key renames · X deletes · Esc selects none";
    return "Click + · right click − · drag a box · ? all keys";
  }

  store.on(["session", "pending", "selectedId", "lastCategoryId", "categories", "offered", "selectedProposals", "proposalsOn"], show);
  store.on(["tapLabel"], () => {
    plus.setAttribute("aria-pressed", String(state.tapLabel === 1));
    minus.setAttribute("aria-pressed", String(state.tapLabel === 0));
  });
  store.on(["zoom", "shownId"], () => {
    setText(zoom, state.zoom && state.shownId !== null ? `${Math.round(state.zoom * 100)} %` : "–");
  });
  store.on(["cursor"], () => setText(cursor, state.cursor ? `${Math.floor(state.cursor.x)}, ${Math.floor(state.cursor.y)}` : ""));

  return h(
    "div",
    { class: "toolbar", role: "toolbar", "aria-label": "Canvas" },
    h("div", { class: "toolbar-part" }, undo, redo, clear, h("span", { class: "segmented", role: "group", "aria-label": "A tap adds" }, plus, minus)),
    hint,
    h(
      "div",
      { class: "toolbar-part end" },
      cursor,
      iconButton("zoom-out", "minus", "Zoom out", "", () => actions.zoomBy(1 / 1.25)),
      zoom,
      iconButton("zoom-in", "plus", "Zoom in", "", () => actions.zoomBy(1.25)),
      iconButton("fit", "fit", "Fit the picture", "F", actions.fit),
    ),
  );
}
