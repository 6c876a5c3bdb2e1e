/** What the instructor says and decides for all: an announcement, the lock on categories, who gets which picture. */

import { button } from "./dialog.js";
import { h, setText } from "./dom.js";
import { icon } from "./icons.js";

const MODES = { all: "everyone every picture", single: "each picture to one labeler", several: "each picture to several labelers" };

/** @param {{change: (name: string, args: object) => Promise<any>}} parts */
export function createOrders({ change }) {
  // an announcement

  const text = h("textarea", { id: "announce-text", class: "field area", rows: "2", maxlength: "500", placeholder: "Say something to everybody…", "aria-label": "Announcement" });
  const say = button("Announce", announce, { kind: "primary", id: "announce-send" });
  const back = button("Take back", () => change("withdraw_announcement", {}), { id: "announce-withdraw" });
  const current = h("p", { id: "announce-current", class: "card-quote", hidden: true });
  async function announce() {
    const words = text.value.trim();
    if (!words) return text.focus();
    if (await change("announce", { text: words })) text.value = "";
  }
  text.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) announce();
    if (event.key !== "Escape") return;
    event.preventDefault(); // the field is left, the view stays
    text.blur();
  });

  // the lock

  const lock = h("input", { type: "checkbox", id: "lock-categories", role: "switch" });
  lock.addEventListener("change", () => change("lock_categories", { locked: lock.checked }));

  // who gets which picture

  const mode = h("select", { id: "rule-mode", class: "select" }, ...Object.entries(MODES).map(([value, words]) => h("option", { value }, words)));
  const labelers = h("input", { id: "rule-labelers", class: "field short", type: "number", min: "2", max: "20", step: "1" });
  const minutes = h("input", { id: "rule-minutes", class: "field short", type: "number", min: "1", max: "1440", step: "1" });
  const howMany = h("label", { class: "card-row" }, labelers, "labelers each");
  const howLong = h("label", { class: "card-row" }, "free again after", minutes, "min idle");
  async function setRule() {
    enable();
    if (!labelers.checkValidity() || !minutes.checkValidity()) return;
    const args = { mode: mode.value, labelers: mode.value === "several" ? Number(labelers.value) : 1, lease_s: 60 * Number(minutes.value) };
    await change("set_assignment_rule", args);
  }
  function enable() {
    howMany.hidden = mode.value !== "several";
    howLong.hidden = mode.value === "all";
    if (mode.value === "several" && Number(labelers.value) < 2) labelers.value = "2";
  }
  for (const field of [mode, labelers, minutes]) field.addEventListener("change", setRule);

  const card = (title, name, ...children) => h("section", { class: "card", "aria-label": title }, h("header", { class: "card-head" }, h("h3", {}, icon(name), title)), ...children);
  return {
    element: h(
      "div",
      { class: "class-orders" },
      card("Announcement", "announce", current, text, h("div", { class: "card-buttons" }, back, say)),
      card(
        "Who gets which picture",
        "list",
        h("label", { class: "card-row" }, mode),
        howMany,
        howLong,
      ),
      card("Categories", "lock", h("label", { class: "card-row" }, lock, "Locked: labelers neither add nor change any")),
    ),
    show({ announcement, locks, rule }) {
      current.hidden = back.hidden = !announcement;
      setText(current, announcement?.text ?? "");
      lock.checked = locks.categories;
      if ([mode, labelers, minutes].includes(document.activeElement)) return; // not under somebody's hands
      mode.value = rule.mode;
      labelers.value = String(rule.labelers);
      minutes.value = String(Math.max(1, Math.round(rule.lease_s / 60)));
      enable();
    },
  };
}
