/** The instructor's view, "Class": who is how far, what the model does, and what is said and given to all. */

import { createAgreement } from "./agreement.js";
import { showAnnouncement } from "./announcement.js";
import { openDialog } from "./dialog.js";
import { h, setAttribute, setText } from "./dom.js";
import { icon } from "./icons.js";
import { createBackups } from "./instructorbackup.js";
import { createOrders } from "./instructororders.js";
import { createQueueCard } from "./instructorqueue.js";
import { createLabelers } from "./instructortable.js";
import { createStatusBar } from "./statusbar.js";

const EVERY_MS = 2000;
const TABS = { labelers: "Labelers", agreement: "Agreement" };

/**
 * @param {object} parts
 * @param {HTMLElement} parts.root
 * @param {import("./store.js").Store} parts.store
 * @param {ReturnType<import("./server.js").createServer>} parts.server
 * @param {(imageId: number) => Promise<void>} parts.open
 * @param {() => void} parts.showExport
 */
export function createInstructor({ root, store, server, open, showExport }) {
  let dialog = null;
  let shown = "labelers";
  let asked = 0; // of several answers on their way, the last counts

  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const words = h("span", {});
  problem.append(icon("warning"), words);

  function tell(error) {
    problem.hidden = error === null;
    setText(words, error?.message ?? "");
  }

  /** A call that changes something: its answer is shown at once, its refusal too. */
  async function change(name, args) {
    try {
      const answer = await server.request(name, args);
      if (answer?.locks) showAnnouncement(store, answer);
      tell(null);
      await refresh();
      return answer;
    } catch (error) {
      tell(error);
      return null;
    }
  }

  function go(imageId) {
    dialog?.close();
    open(imageId);
  }

  const statuses = createStatusBar();
  const labelers = createLabelers({ root, change, go });
  const orders = createOrders({ change });
  const queue = createQueueCard();
  const backups = createBackups({ root, server, change, showExport, refresh });
  const cards = h("div", { class: "class-cards" }, orders.element, queue.element, backups.element);
  const main = h("div", { class: "class-main" }, problem, statuses.element, labelers.element);
  const agreement = createAgreement({ server, go });
  const bodies = { labelers: h("div", { class: "class-live" }, main, cards), agreement: agreement.element };
  const frame = h("div", { id: "class-frame", class: "dataset-frame", role: "tabpanel" });
  const tabs = Object.entries(TABS).map(([name, title]) => {
    const tab = h("button", { type: "button", class: "tab", role: "tab", id: `class-${name}`, "aria-controls": "class-frame" }, title);
    tab.addEventListener("click", () => choose(name));
    tab.addEventListener("keydown", (event) => {
      if (!["ArrowRight", "ArrowLeft"].includes(event.key)) return;
      event.stopPropagation();
      const other = tabs[1 - tabs.indexOf(tab)];
      other.click();
      other.focus();
    });
    return tab;
  });

  function choose(name) {
    shown = name;
    for (const tab of tabs) {
      const chosen = tab.id === `class-${name}`;
      setAttribute(tab, "aria-selected", String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
    }
    setAttribute(frame, "aria-labelledby", `class-${name}`);
    frame.replaceChildren(bodies[name]);
    if (name === "agreement") agreement.enter();
    else agreement.leave();
  }

  async function refresh() {
    const mine = (asked += 1);
    const view = await server.request("class_view");
    if (mine !== asked || !dialog) return;
    showAnnouncement(store, view);
    statuses.show(view.statuses);
    labelers.show(view);
    orders.show(view);
    queue.show(view.queue);
    backups.show(view);
  }

  /** For as long as this dialog is open. */
  async function keepLive(mine) {
    while (dialog === mine) {
      try {
        if (shown === "labelers" && !document.hidden) await refresh();
      } catch (error) {
        tell(error);
      }
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  }

  function show() {
    if (dialog) return;
    tell(null);
    dialog = openDialog(root, {
      id: "class-dialog",
      title: "Class",
      className: "dataset",
      body: [h("div", { class: "tabs", role: "tablist", "aria-label": "Of the class" }, ...tabs), frame],
      onClose() {
        dialog = null;
        agreement.leave();
      },
    });
    choose(shown);
    tabs.find((one) => one.tabIndex === 0).focus();
    keepLive(dialog);
  }

  return { show };
}
