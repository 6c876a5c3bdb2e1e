/** One tooltip for the page: what a control does, and the key that does it too. */

import { h } from "./dom.js";

const DELAY_MS = 450;
const GAP = 6;

/**
 * Say what an element does. It becomes its name for screen readers where it shows no text of its own.
 *
 * @template {HTMLElement} T
 * @param {T} element
 * @param {string} text
 * @param {string} [keys] as on the help page: "Ctrl+Z"
 * @returns {T}
 */
export function tip(element, text, keys = "") {
  if (element.dataset.tip === text && (element.dataset.keys ?? "") === keys) return element;
  element.dataset.tip = text;
  if (keys) element.dataset.keys = keys;
  else delete element.dataset.keys;
  if (!element.textContent.trim()) element.setAttribute("aria-label", text);
  return element;
}

/** @param {HTMLElement} root the page: tooltips of everything within it are shown */
export function startTooltips(root) {
  const text = h("span", {});
  const keys = h("kbd", {});
  const bubble = h("div", { class: "tooltip", popover: "manual", "aria-hidden": "true" }, text, keys);
  root.append(bubble);
  let timer = 0;
  let over = null;
  // A control that is disabled under the cursor gets no pointerleave.
  const watch = new MutationObserver(() => over?.disabled && hide());

  function hide() {
    clearTimeout(timer);
    watch.disconnect();
    over = null;
    if (bubble.matches(":popover-open")) bubble.hidePopover();
  }

  function show(target) {
    text.textContent = target.dataset.tip;
    keys.textContent = target.dataset.keys ?? "";
    keys.hidden = !target.dataset.keys;
    bubble.showPopover();
    const around = target.getBoundingClientRect();
    const own = bubble.getBoundingClientRect();
    const below = around.bottom + GAP + own.height < window.innerHeight;
    const left = around.left + around.width / 2 - own.width / 2;
    bubble.style.left = `${Math.round(Math.min(Math.max(GAP, left), window.innerWidth - own.width - GAP))}px`;
    bubble.style.top = `${Math.round(below ? around.bottom + GAP : around.top - GAP - own.height)}px`;
  }

  function enter(event) {
    const target = event.target.closest?.("[data-tip]");
    if (target === over) return;
    hide();
    if (!target || (event.type === "focusin" && !target.matches(":focus-visible"))) return;
    if (event.pointerType === "touch") return;
    over = target;
    watch.observe(target, { attributes: true, attributeFilter: ["disabled"] });
    timer = setTimeout(() => target.isConnected && show(target), DELAY_MS);
  }

  root.addEventListener("pointerover", enter);
  root.addEventListener("focusin", enter);
  root.addEventListener("focusout", hide);
  root.addEventListener("pointerdown", hide, true);
  root.addEventListener("pointerleave", hide);
  root.addEventListener("keydown", hide, true);
  root.addEventListener("scroll", hide, true);
}
