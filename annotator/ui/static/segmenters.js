/** The menu of segmenters: which is at work, which are there, which would have to be fetched first. */

import { jobPart } from "./dialog.js";
import { h } from "./dom.js";
import { bytes } from "./format.js";
import { icon } from "./icons.js";
import { isInstructor } from "./store.js";

/** @param {{root: HTMLElement, store: object, server: object, jobs: object, messages: object, onSwitched: () => Promise<void>}} parts */
export function createSegmenters({ root, store, server, jobs, messages, onSwitched }) {
  const menu = h("div", { id: "segmenter-menu", class: "menu", popover: "auto", role: "group", "aria-label": "Segmenters" });
  root.append(menu);

  async function load() {
    store.set({ segmenters: await server.request("segmenters") });
  }

  async function show(anchor) {
    fill();
    menu.showPopover();
    const around = anchor.getBoundingClientRect();
    menu.style.top = `${around.bottom + 4}px`;
    menu.style.left = `${Math.max(8, Math.min(around.left, window.innerWidth - menu.offsetWidth - 8))}px`;
    try {
      await load();
      fill();
    } catch (error) {
      messages.error(error.message);
    }
  }

  function fill() {
    menu.replaceChildren(
      h("p", { class: "menu-head" }, "Segmenter"),
      ...store.state.segmenters.map((one) => {
        const state = one.active ? "at work" : one.name === store.state.switching ? "on its way…" : one.ready ? "ready" : `download ${bytes(one.download_bytes)}`;
        const item = h(
          "button",
          { type: "button", class: "menu-item", id: `segmenter-${one.name}`, "aria-current": one.active ? "true" : null, disabled: one.active || store.state.switching !== null || !isInstructor(store.state) },
          h("span", { class: "menu-sign" }, one.active ? icon("check") : one.ready ? "" : icon("download")),
          h("span", { class: "menu-title" }, one.title),
          h("small", {}, one.active && one.device ? `${state}, ${one.device.toUpperCase()}` : state),
        );
        item.addEventListener("click", () => {
          menu.hidePopover();
          change(one.name);
        });
        return item;
      }),
      h("p", { class: "menu-note" }, isInstructor(store.state) ? "Larger models draw finer masks and take longer for each new picture. Nothing saved changes." : "The instructor chooses it for the whole class."),
    );
  }

  async function change(name) {
    if (store.state.switching !== null) return;
    store.set({ switching: name });
    const chosen = store.state.segmenters.find((one) => one.name === name);
    let card = null;
    try {
      const begun = await server.request("switch_segmenter", { name });
      card = jobs.begin(chosen?.title ?? name, () => server.request("cancel_job", { job_id: begun.id }).catch((error) => messages.error(error.message)));
      const job = await server.follow(begun, (now) => card.show(jobPart(now), words(now, chosen)));
      if (job.state === "failed") messages.error(job.message);
      else if (job.state === "cancelled") messages.info("The change of segmenter was cancelled.");
      else messages.success(`${chosen?.title ?? name} is at work.`);
      await load();
      await onSwitched();
    } catch (error) {
      messages.error(error.message);
    } finally {
      store.set({ switching: null });
      card?.end();
    }
  }

  function words(job, chosen) {
    if (job.total > 1e6 && job.done < job.total && !chosen?.ready) return `${bytes(job.done)} of ${bytes(job.total)}`;
    return job.message || "Loading…";
  }

  return { show, load, change };
}
