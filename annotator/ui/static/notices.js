/** What lies over the canvas: encoding, a lost connection, an instance being edited, a picture that cannot be shown. */

import { button } from "./dialog.js";
import { h, setText } from "./dom.js";
import { count } from "./format.js";
import { icon } from "./icons.js";
import { categoryOf } from "./store.js";

const TICK_MS = 100;
const TOO_SHORT_TO_SAY_MS = 500; // an encoding that is over by then would only flicker

/**
 * @param {import("./store.js").Store} store
 * @param {{tryNow: () => void, reopen: () => void, clear: () => void}} actions
 * @param {() => object|null} foreseenState
 */
export function createNotices(store, actions, foreseenState) {
  const { state } = store;
  const encodingWords = h("span", {});
  const encoding = h("div", { id: "encoding", class: "chip", hidden: true }, h("span", { class: "spinner" }), encodingWords);
  const editingWords = h("span", {});
  const editing = h("div", { id: "editing", class: "chip", hidden: true }, icon("edit"), editingWords);
  const lostWords = h("span", { class: "banner-words" });
  const lost = h("div", { id: "connection", class: "banner", role: "alert", hidden: true }, icon("offline"), lostWords, button("Try now", actions.tryNow));
  const failureWords = h("p", {});
  const failure = h("div", { id: "failure", class: "failure", role: "alert", hidden: true }, icon("warning"), failureWords, button("Try again", actions.reopen));

  /** A clock that runs only while it is looked at. */
  function clock(show) {
    let timer = 0;
    return (running) => {
      clearInterval(timer);
      timer = running ? setInterval(show, TICK_MS) : 0;
      if (running) show();
    };
  }

  let since = 0;
  const tickEncoding = clock(() => {
    const elapsed = performance.now() - since;
    encoding.hidden = elapsed < TOO_SHORT_TO_SAY_MS;
    setText(encodingWords, `Encoding… ${Math.max(0, elapsed / 1000).toFixed(0)} s`);
  });
  const tickLost = clock(() => {
    const seconds = Math.ceil((state.lost.retryAt - Date.now()) / 1000);
    const when = seconds > 0 ? `in ${seconds} s` : "now";
    const waiting = state.pending.length ? ` ${count(state.pending.length, "step")} will be sent then; nothing is lost.` : "";
    const why = state.lost.signedOut ? "You are signed out: sign in again in another tab" : "Not connected";
    if (state.lost.restoring) return setText(lostWords, "The instructor is restoring a backup; this page goes on by itself.");
    return setText(lostWords, `${why}, trying again ${when}.${waiting}`);
  });

  store.on(["session"], () => {
    const now = state.session?.encoding ?? null;
    if (now === null) encoding.hidden = true;
    if (now) since = performance.now() - now.elapsed_s * 1000;
    tickEncoding(now !== null);
  });
  store.on(["lost"], () => {
    lost.hidden = state.lost === null;
    tickLost(state.lost !== null);
  });
  store.on(["failure"], () => {
    failure.hidden = state.failure === null;
    setText(failureWords, state.failure ?? "");
  });
  store.on(["session", "pending", "categories"], () => {
    const session = foreseenState();
    const place = session?.instances.findIndex((instance) => instance.id === session.editing) ?? -1;
    editing.hidden = place < 0;
    if (place >= 0) setText(editingWords, `Editing ${place + 1} · ${categoryOf(state, session.instances[place].category_id)?.name ?? ""}`);
  });

  return h("div", { class: "notices" }, lost, h("div", { class: "chips" }, encoding, editing), failure);
}
