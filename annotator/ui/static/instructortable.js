/** The table of labelers: how far each is and how fast, where they are, and a way to sign one out. */

import { confirmDialog } from "./dialog.js";
import { h, keyed, setAttribute, setText } from "./dom.js";
import { icon } from "./icons.js";
import { tip } from "./tooltip.js";

const HERE_S = 15; // a page asks every few seconds; one that has not for so long is closed, asleep or offline

/** Columns: key, head, what it is, how it is written. @type {[string, string, string, (one: object) => string][]} */
const COLUMNS = [
  ["begun", "Begun", "Pictures that they did anything on in the last 12 hours", (one) => number(one.begun)],
  ["done", "Done", "Pictures that they marked as done", (one) => number(one.done)],
  ["submitted", "Submitted", "Pictures that they handed in for review", (one) => number(one.submitted)],
  ["instances", "Instances", "Instances that they made and that still stand", (one) => number(one.instances)],
  ["per_hour", "Per hour", "Instances an hour, at the rate of the last hour", (one) => (one.per_hour === null ? "–" : number(Math.round(one.per_hour)))],
  ["median_s", "Time each", "Seconds from one instance to the next: the median, pauses left out", (one) => (one.median_s === null ? "–" : `${one.median_s < 10 ? one.median_s.toFixed(1) : Math.round(one.median_s)} s`)],
];

/**
 * @param {object} parts
 * @param {HTMLElement} parts.root
 * @param {(name: string, args: object) => Promise<any>} parts.change
 * @param {(imageId: number) => void} parts.go
 */
export function createLabelers({ root, change, go }) {
  let view = null;
  let sort = { key: "name", down: false };

  const heads = [["name", "Labeler", ""], ...COLUMNS, ["last_seen", "Seen", ""]].map(([key, title, what]) => {
    const button = h("button", { type: "button", class: "column-head", id: `sort-${key}` }, title);
    if (what) tip(button, what);
    button.addEventListener("click", () => {
      sort = { key, down: sort.key === key ? !sort.down : key !== "name" };
      draw();
    });
    return h("th", { scope: "col", class: key === "name" || key === "last_seen" ? "" : "number", dataset: { key } }, button);
  });
  const body = h("tbody", {});
  const empty = h("p", { id: "class-empty", class: "card-note", hidden: true }, "Nobody has done anything in the last 12 hours.");
  const total = h("span", { class: "status-total" });
  const sums = Object.fromEntries(COLUMNS.slice(0, 4).map(([key]) => [key, h("td", { class: "number" })]));
  const foot = h("tfoot", {}, h("tr", {}, h("th", { scope: "row" }, "Together"), ...Object.values(sums), h("td", { colspan: "5" })));
  const table = h(
    "table",
    { id: "class-table", class: "class-table" },
    h("thead", {}, h("tr", {}, ...heads, h("th", { scope: "col" }, "Now on"), h("th", {}, h("span", { class: "visually-hidden" }, "Sign out")))),
    body,
    foot,
  );

  function create(one) {
    const on = h("button", { type: "button", class: "button link small class-on" });
    on.addEventListener("click", () => go(Number(on.dataset.imageId)));
    const out = tip(h("button", { type: "button", class: "icon-button class-sign-out" }, icon("clear")), `Sign ${one.name} out`);
    out.addEventListener("click", () => signOut(one.name));
    return h(
      "tr",
      { dataset: { labeler: one.name } },
      h("th", { scope: "row" }, h("span", { class: "class-dot", "aria-hidden": "true" }), h("span", { class: "class-name" }, one.name)),
      ...COLUMNS.map(([key]) => h("td", { class: "number", dataset: { key } })),
      h("td", { dataset: { key: "last_seen" } }),
      h("td", { class: "class-where" }, on),
      h("td", {}, out),
    );
  }

  function update(row, one) {
    for (const [key, , , write] of COLUMNS) setText(row.querySelector(`[data-key=${key}]`), write(one));
    const ago = one.last_seen === null ? null : (Date.now() - Date.parse(one.last_seen)) / 1000;
    setText(row.querySelector("[data-key=last_seen]"), seen(ago));
    row.classList.toggle("here", ago !== null && ago < HERE_S);
    row.querySelector(".class-name").title = one.name;
    const on = row.querySelector(".class-on");
    on.hidden = one.image === null;
    if (one.image) {
      setText(on, one.image.name);
      on.title = one.image.name;
      on.dataset.imageId = one.image.id;
    }
    row.querySelector(".class-sign-out").hidden = one.sign_ins.length === 0;
  }

  async function signOut(name) {
    const text = `${name} has to sign in again with the code. What they saved stays.`;
    if (!(await confirmDialog(root, { id: "class-sign-out", title: `Sign ${name} out?`, text, yes: "Sign out" }))) return;
    const ids = view.labelers.find((one) => one.name === name)?.sign_ins ?? [];
    for (const id of ids) await change("end_sign_in", { sign_in_id: id });
  }

  function draw() {
    const sign = sort.down ? -1 : 1;
    const by = (one) => (sort.key === "name" ? one.name.toLowerCase() : (one[sort.key] ?? (sort.key === "last_seen" ? "" : -1)));
    const rows = [...view.labelers].sort((one, other) => sign * (by(one) < by(other) ? -1 : by(one) > by(other) ? 1 : 0));
    keyed(body, rows, { key: (one) => one.name, create, update });
    for (const head of heads) setAttribute(head, "aria-sort", head.dataset.key === sort.key ? (sort.down ? "descending" : "ascending") : null);
    for (const [key, cell] of Object.entries(sums)) setText(cell, number(rows.reduce((sum, one) => sum + one[key], 0)));
    const here = [...body.children].filter((row) => row.classList.contains("here")).length;
    setText(total, rows.length ? `${here} of ${rows.length} here` : "");
    empty.hidden = rows.length > 0;
    table.hidden = rows.length === 0;
  }

  return {
    element: h("section", { class: "card class-labelers", "aria-label": "Labelers" }, h("header", { class: "card-head" }, h("h3", {}, "Labelers"), total), empty, h("div", { class: "class-scroll" }, table)),
    show(next) {
      view = next;
      draw();
    },
  };
}

const number = (value) => value.toLocaleString("en");

/** @param {number|null} ago in seconds */
function seen(ago) {
  if (ago === null) return "not yet";
  if (ago < HERE_S) return "now";
  if (ago < 60) return `${Math.round(ago)} s ago`;
  if (ago < 3600) return `${Math.round(ago / 60)} min ago`;
  return `${Math.round(ago / 3600)} h ago`;
}
