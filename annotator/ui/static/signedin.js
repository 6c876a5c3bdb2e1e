/** Who is signed in, and the way out; shown where codes are asked for. */

import { h, setText } from "./dom.js";
import { isInstructor } from "./store.js";
import { tip } from "./tooltip.js";

/**
 * @param {import("./store.js").Store} store
 * @returns {HTMLElement}
 */
export function createSignedIn(store) {
  const { state } = store;
  const name = h("span", { id: "signed-in-name", class: "signed-in-name" });
  // A form, as on the sign-in page: the answer to it is that page, and no picture stays in the browser's memory.
  const out = h("form", { method: "post", action: new URL("logout", document.baseURI).href }, h("button", { type: "submit", id: "sign-out", class: "button link small" }, "Sign out"));
  const element = h("div", { id: "signed-in", class: "signed-in", hidden: true }, name, out);
  store.on(["person"], () => {
    element.hidden = !state.person.signed_in;
    setText(name, state.person.name);
    tip(name, `Signed in as ${state.person.name}, ${isInstructor(state) ? "instructor" : "labeler"}`);
  });
  return element;
}
