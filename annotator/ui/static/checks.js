/** The checks: what may be wrong with the data set, and the way to each finding. */

import { button, jobPart, progressBar } from "./dialog.js";
import { h, setAttribute, setText } from "./dom.js";
import { count } from "./format.js";
import { icon } from "./icons.js";

const OF_MASKS = new Set(["twins", "disputed", "scattered"]); // known when every mask was looked at

/**
 * @param {object} parts
 * @param {ReturnType<import("./server.js").createServer>} parts.server
 * @param {ReturnType<import("./looking.js").createLooking>} parts.looking
 * @param {() => Promise<void>} parts.settled
 * @param {(imageId: number, instanceId: number|null) => void} parts.go
 * @param {(categoryId: number) => void} parts.goToCategory
 */
export function createChecks({ server, looking, settled, go, goToCategory }) {
  let checks = [];
  let chosen = null;
  let complete = false;
  let asked = 0;

  const bar = progressBar();
  const words = h("p", { class: "checks-words", role: "status" });
  const progress = h("div", { class: "checks-progress", hidden: true }, words, bar.element);
  bar.element.setAttribute("aria-label", "Looking at the masks");
  const list = h("div", { class: "checks-list", role: "tablist", "aria-orientation": "vertical", "aria-label": "Checks" });
  const area = h("input", { id: "checks-area", class: "field short", type: "number", min: "0", max: "1000000", step: "1", value: "64" });
  area.addEventListener("change", () => area.checkValidity() && load());
  const found = h("div", { id: "findings", class: "findings", role: "tabpanel", tabindex: "0" });
  const element = h(
    "div",
    { class: "checks" },
    h("div", { class: "checks-side" }, list, h("label", { class: "checks-setting" }, "Tiny is below", area, "pixels"), progress),
    found,
  );

  async function load() {
    const mine = (asked += 1);
    try {
      await settled();
      complete = false;
      await show(mine);
      await looking.look((job) => {
        if (mine !== asked) return;
        progress.hidden = false;
        bar.set(jobPart(job));
        setText(words, `Looking at the masks: ${job.done.toLocaleString("en")} of ${count(job.total, "picture")}`);
      });
      complete = true;
      await show(mine);
    } catch (error) {
      if (mine === asked) found.replaceChildren(h("p", { class: "problem", role: "alert" }, icon("warning"), error.message));
    } finally {
      if (mine === asked) progress.hidden = true;
    }
  }

  async function show(mine) {
    const answer = await server.request("overview_checks", { tiny_area: Number(area.value) });
    if (mine !== asked) return;
    checks = answer.checks;
    list.replaceChildren(...checks.map(rowOf));
    choose(chosen ?? checks.find((check) => check.total > 0 && isKnown(check))?.name ?? checks[0].name, complete || chosen !== null);
  }

  const isKnown = (check) => complete || !OF_MASKS.has(check.name);

  function rowOf(check) {
    const known = isKnown(check);
    const sign = !known ? h("span", { class: "spinner" }) : icon(check.total ? "warning" : "check");
    const row = h(
      "button",
      { type: "button", class: "check", role: "tab", id: `check-${check.name}`, "aria-controls": "findings", dataset: { total: known ? check.total : "" } },
      sign,
      h("span", { class: "check-title" }, check.title),
      h("span", { class: "check-total" }, known ? check.total.toLocaleString("en") : "…"),
    );
    row.addEventListener("click", () => choose(check.name));
    row.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const next = checks[(checks.indexOf(check) + step + checks.length) % checks.length];
      choose(next.name);
      document.getElementById(`check-${next.name}`)?.focus();
    });
    return row;
  }

  function choose(name, keep = true) {
    if (keep) chosen = name;
    for (const row of list.children) {
      const isChosen = row.id === `check-${name}`;
      setAttribute(row, "aria-selected", String(isChosen));
      row.tabIndex = isChosen ? 0 : -1;
    }
    const check = checks.find((one) => one.name === name);
    found.setAttribute("aria-labelledby", `check-${name}`);
    const more = check.total > check.findings.length ? h("p", { class: "panel-note" }, `The first ${check.findings.length.toLocaleString("en")} of ${check.total.toLocaleString("en")} are shown.`) : null;
    const rows = check.findings.map((finding) => h("li", {}, findingOf(check, finding)));
    const nothing = isKnown(check) ? "Nothing found." : "Still looking at the masks…";
    found.replaceChildren(
      ...[
        h("h3", {}, check.title),
        h("p", { class: "panel-note" }, check.advice),
        rows.length ? h("ul", { class: "finding-list" }, ...rows) : h("p", { class: "checks-nothing" }, nothing),
        more,
      ].filter(Boolean),
    );
  }

  function findingOf(check, finding) {
    if (finding.image_id === null) {
      return h("div", { class: "finding" }, h("span", { class: "finding-words" }, h("strong", {}, finding.text)), button("Edit or delete", () => goToCategory(finding.category_id)));
    }
    const instanceId = finding.instance_ids[0] ?? null;
    const address = instanceId === null ? `annotator/thumbs/${finding.image_id}.jpg` : `annotator/crops/${instanceId}.jpg`;
    const row = h(
      "button",
      { type: "button", class: "finding", dataset: { imageId: finding.image_id, instanceId } },
      h("img", { class: "finding-thumb", src: new URL(address, document.baseURI).href, alt: "", loading: "lazy", decoding: "async" }),
      h("span", { class: "finding-words" }, h("strong", {}, finding.text), h("span", {}, finding.image_name)),
    );
    row.addEventListener("click", () => go(finding.image_id, instanceId));
    return row;
  }

  return {
    element,
    key() {},
    enter: load,
    leave() {
      asked += 1;
    },
  };
}
