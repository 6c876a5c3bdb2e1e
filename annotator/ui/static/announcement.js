/** The instructor's words to everybody: a banner that can be closed, and comes again only with other words. */

import { h, setText, tellHeight } from "./dom.js";
import { icon } from "./icons.js";
import { recall, remember, WINDOW } from "./memory.js";
import { tip } from "./tooltip.js";

const KEY = "announcement";

/**
 * Take over what the server tells every page of the class; what is as it was stays untouched.
 *
 * @param {import("./store.js").Store} store
 * @param {{announcement: {id: number, text: string, labeler: string, at: string}|null, locks: {categories: boolean}}} told
 */
export function showAnnouncement(store, { announcement, locks }) {
  const { state } = store;
  store.set({
    announcement: announcement?.id === state.announcement?.id ? state.announcement : announcement,
    locks: locks.categories === state.locks.categories ? state.locks : locks,
  });
}

/**
 * @param {import("./store.js").Store} store
 * @returns {HTMLElement}
 */
export function createAnnouncement(store) {
  const { state } = store;
  const words = h("p", { class: "announcement-words" });
  const from = h("span", { class: "announcement-from" });
  const close = tip(h("button", { type: "button", id: "announcement-close", class: "icon-button" }, icon("clear")), "Close this announcement");
  const element = h(
    "div",
    { id: "announcement", class: "announcement", role: "status", hidden: true },
    icon("announce"),
    h("div", { class: "announcement-text" }, words, from),
    close,
  );
  close.addEventListener("click", () => {
    remember(WINDOW, KEY, state.announcement?.id ?? null);
    show();
  });

  function show() {
    const { announcement } = state;
    element.hidden = !announcement || recall(WINDOW, KEY) === announcement.id;
    if (element.hidden) return;
    setText(words, announcement.text);
    setText(from, announcement.labeler);
  }
  store.on(["announcement"], show);
  tellHeight(element, "--announced"); // what else stands at the top of the canvas goes below it: notices.css
  return element;
}
