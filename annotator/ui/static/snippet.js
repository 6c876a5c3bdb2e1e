/** A piece of code to read and to take along. */

import { button } from "./dialog.js";
import { h, setText } from "./dom.js";

const SAID_MS = 1600;

/**
 * @param {{id: string}} props
 * @returns {{element: HTMLElement, show: (text: string) => void}}
 */
export function createSnippet({ id }) {
  const code = h("code", {});
  const text = h("pre", { class: "snippet-text", tabindex: "0", "aria-label": "Python code" }, code);
  const said = h("span", { class: "visually-hidden", role: "status" });
  const copy = button("Copy", async () => {
    const done = await copyText(code);
    setText(copy, done ? "Copied" : "Press Ctrl+C");
    setText(said, done ? "The code is in the clipboard." : "The code is selected: press Ctrl+C to copy it.");
    setTimeout(() => setText(copy, "Copy"), SAID_MS);
  });
  copy.classList.add("snippet-copy");
  copy.id = `${id}-copy`;
  return { element: h("div", { class: "snippet", id }, text, copy, said), show: (words) => setText(code, words) };
}

/** @param {HTMLElement} code @returns {Promise<boolean>} whether its text is in the clipboard; if not, it is selected */
async function copyText(code) {
  try {
    await navigator.clipboard.writeText(code.textContent); // a browser has it on https and on this machine alone
    return true;
  } catch {
    getSelection().selectAllChildren(code);
    return document.execCommand("copy");
  }
}
