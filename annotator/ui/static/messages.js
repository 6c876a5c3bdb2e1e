/** Short words to the labeler, in a live region: what went well goes by itself, an error stays until it is closed. */

import { h } from "./dom.js";
import { icon } from "./icons.js";

const STAY_MS = { info: 5000, success: 4000 };
const ICONS = { info: "info", success: "check", error: "warning" };
const MOST = 4;

/**
 * @returns {{element: HTMLElement, info: (text: string) => void, success: (text: string) => void, error: (text: string) => void}}
 */
export function createMessages() {
  const element = h("div", { id: "message", class: "messages", role: "status", "aria-live": "polite" });

  function show(kind, text) {
    for (const known of [...element.children]) if (known.dataset.text === text) known.remove(); // said again, not twice
    const close = h("button", { type: "button", class: "icon-button", "aria-label": "Close this message" }, icon("clear"));
    const item = h(
      "div",
      { class: `message message-${kind}`, dataset: { kind, text }, role: kind === "error" ? "alert" : null },
      icon(ICONS[kind]),
      h("span", { class: "message-text" }, text),
      close,
    );
    close.addEventListener("click", () => item.remove());
    element.append(item);
    const passing = [...element.children].filter((one) => one.dataset.kind !== "error");
    for (const one of passing.slice(0, Math.max(0, passing.length - MOST))) one.remove();
    if (STAY_MS[kind]) setTimeout(() => item.remove(), STAY_MS[kind]);
  }

  return {
    element,
    info: (text) => show("info", text),
    success: (text) => show("success", text),
    error: (text) => show("error", text),
  };
}
