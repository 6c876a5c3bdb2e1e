/** The panel of proposals: having them made, what is shown of them, and one row each. */

import { h, keyed, setAttribute, setText } from "./dom.js";
import { score, share } from "./format.js";
import { iconButton } from "./header.js";
import { icon } from "./icons.js";
import { selectionWords } from "./proposals.js";
import { tip } from "./tooltip.js";

const LARGEST = 0.05; // of the picture: as far as the slider of the smallest area goes

/**
 * @param {import("./store.js").Store} store
 * @param {ReturnType<import("./proposals.js").createProposals>} proposals
 * @param {HTMLElement} root
 * @returns {HTMLElement}
 */
export function createProposalPanel(store, proposals, root) {
  const { state } = store;
  const propose = tip(
    h("button", { type: "button", id: "propose", class: "button wide", onclick: () => proposals.propose() }, icon("grid"), "Propose masks"),
    "Find the masks of this picture from a grid of points",
    "G",
  );
  const more = iconButton("propose-menu", "down", "Which pictures", "", () => showMenu(more));
  const eye = iconButton("toggle-proposals", "eye", "Show or hide the proposals", "P", () => proposals.setShown(!state.proposalsOn));
  const note = h("p", { class: "panel-note" });

  const grid = slider("points-per-side", "Grid", { min: 8, max: 64, step: 4 }, (value) => proposals.setGrid(value));
  tip(grid.row, "Points along a side: a denser grid finds smaller things and takes longer. For the next time masks are proposed");
  const iou = slider("pred-iou", "Predicted IoU", { min: 0, max: 1, step: 0.01 }, (value) => proposals.setSift({ pred_iou_thresh: value }));
  const stability = slider("stability", "Stability", { min: 0, max: 1, step: 0.01 }, (value) => proposals.setSift({ stability_score_thresh: value }));
  const area = slider("min-area", "Smallest", { min: 0, max: 1, step: 0.02 }, (value) => proposals.setSift({ min_area: Math.round(LARGEST * value ** 2 * pixels()) }));
  const alike = slider("least-alike", "Likeness", { min: 0, max: 1, step: 0.005 }, (value) => proposals.setLeastAlike(value));
  const sifts = h("div", { class: "sifts" }, iou.row, stability.row, area.row);
  const like = tip(h("button", { type: "button", id: "more-like-this", class: "button", onclick: proposals.moreLike }, "More like this"), "What looks like the selected one comes first", "M");
  const all = tip(h("button", { type: "button", id: "select-proposals", class: "button", onclick: proposals.selectAll }, "All"), "Select all that are shown", "Ctrl+A");
  const reject = tip(h("button", { type: "button", id: "reject-selected", class: "button", onclick: proposals.reject }, "Reject"), "Reject the selected ones: they are not offered again", "X");
  const words = h("p", { class: "selection-words", role: "status" });
  const list = h("ul", { id: "proposals", class: "proposal-list", "aria-label": "Proposals" });
  const body = h("div", { class: "proposal-body" }, sifts, alike.row, h("div", { class: "proposal-actions" }, like, all, reject), words, h("div", { class: "panel-scroll" }, list));

  const menu = h("div", { id: "propose-scope", class: "menu", popover: "auto", role: "group", "aria-label": "Propose masks" });
  root.append(menu);

  const pixels = () => (state.session ? state.session.image.width * state.session.image.height : 1);

  function slider(id, title, { min, max, step }, onInput) {
    const input = h("input", { id, type: "range", min, max, step, "aria-label": title });
    const output = h("output", { for: id });
    input.addEventListener("input", () => onInput(Number(input.value)));
    const row = h("label", { class: "sift" }, h("span", {}, title), input, output);
    const set = (value, text, least = min) => {
      setAttribute(input, "min", least);
      if (Number(input.value) !== value) input.value = value;
      setText(output, text);
    };
    return { row, set };
  }

  function showMenu(anchor) {
    const undone = state.images.filter((image) => image.status !== "done").length;
    const item = (id, title, scope, small) => {
      const one = h("button", { type: "button", class: scope === "this" ? "menu-item" : "menu-item instructors", id }, h("span", { class: "menu-title" }, title), h("small", {}, small));
      one.addEventListener("click", () => {
        menu.hidePopover();
        proposals.propose(scope);
      });
      return one;
    };
    menu.replaceChildren(
      h("p", { class: "menu-head" }, "Propose masks on"),
      item("propose-this", "This picture", "this", "again, if need be"),
      item("propose-open", "Pictures not done", "open", String(undone)),
      item("propose-all", "All pictures", "all", String(state.images.length)),
      grid.row,
      h("p", { class: "menu-note" }, "Pictures that have the proposals of this grid already are left as they are. Work goes on in the background."),
    );
    menu.showPopover();
    const around = anchor.getBoundingClientRect();
    const below = around.bottom + 4 + menu.offsetHeight < window.innerHeight;
    menu.style.top = `${below ? around.bottom + 4 : Math.max(8, around.top - menu.offsetHeight - 4)}px`;
    menu.style.left = `${Math.max(8, Math.min(around.left, window.innerWidth - menu.offsetWidth - 8))}px`;
  }

  function create(proposal) {
    const row = h(
      "li",
      { class: "proposal", id: `proposal-${proposal.id}` },
      h("button", { type: "button", class: "proposal-number" }),
      h("span", { class: "proposal-overlap" }),
      h("span", { class: "proposal-alike" }),
      h("span", { class: "proposal-score" }),
      h("span", { class: "proposal-area" }),
    );
    row.addEventListener("pointerenter", () => store.set({ hoveredProposal: proposal.id }));
    row.addEventListener("pointerleave", () => store.set({ hoveredProposal: null }));
    row.addEventListener("click", (event) => proposals.toggle(proposal.id, event.shiftKey || event.ctrlKey || event.metaKey));
    return row;
  }

  function update(row, proposal, index) {
    const selected = state.selectedProposals.includes(proposal.id);
    const number = row.querySelector(".proposal-number");
    setText(number, String(index + 1));
    number.setAttribute("aria-label", `Proposal ${index + 1}: select`);
    setAttribute(row, "aria-selected", String(selected));
    setText(row.querySelector(".proposal-overlap"), overlapWords(proposal));
    const likeness = state.likeness?.scores[proposal.id];
    setText(row.querySelector(".proposal-alike"), likeness === undefined ? "" : `≈ ${score(likeness)}`);
    const scores = row.querySelector(".proposal-score");
    setText(scores, score(proposal.predicted_iou));
    tip(scores, `Predicted IoU ${proposal.predicted_iou.toFixed(3)} · stability ${proposal.stability_score.toFixed(3)}`);
    setText(row.querySelector(".proposal-area"), share(proposal.area, pixels()));
  }

  function overlapWords({ overlap, overlap_id: id }) {
    if (!overlap) return "";
    const place = state.session?.instances.findIndex((instance) => instance.id === id) ?? -1;
    const name = state.categories.find((category) => category.id === state.session?.instances[place]?.category_id)?.name;
    return place < 0 ? "" : `overlaps ${place + 1} ${name ?? ""}, ${score(overlap)}`;
  }

  function show() {
    const { proposals: found, offered, selectedProposals, proposalsOn, sift, likeness } = state;
    const made = Boolean(found?.proposals.length);
    element.classList.toggle("open", made && proposalsOn);
    setAttribute(propose, "disabled", state.shownId === null);
    setAttribute(more, "disabled", state.images.length === 0);
    eye.hidden = !made;
    eye.setAttribute("aria-pressed", String(proposalsOn));
    body.hidden = !made || !proposalsOn;
    if (state.grid !== null) grid.set(state.grid, `${state.grid} × ${state.grid}`);
    setText(note, noteWords(found, offered));
    if (!made || !sift) return;
    iou.set(sift.pred_iou_thresh, score(sift.pred_iou_thresh), found.floor.pred_iou_thresh);
    stability.set(sift.stability_score_thresh, score(sift.stability_score_thresh), found.floor.stability_score_thresh);
    area.set(Math.min(1, Math.sqrt(sift.min_area / pixels() / LARGEST)), sift.min_area ? share(sift.min_area, pixels()) : "any");
    alike.row.hidden = !likeness;
    if (likeness) alike.set(likeness.least, score(likeness.least));
    setAttribute(reject, "disabled", !selectedProposals.length);
    setAttribute(all, "disabled", !offered.length);
    setAttribute(like, "disabled", !selectedProposals.length && state.selectedId === null);
    setText(words, selectionWords(selectedProposals.length, offered.length));
    keyed(list, offered, { key: (proposal) => proposal.id, create, update });
  }

  function noteWords(found, offered) {
    if (!found?.run) return "";
    if (found.run.state === "waiting") return "in work…";
    if (found.run.message) return found.run.message;
    if (!found.proposals.length) return "none found: try a denser grid";
    return state.proposalsOn ? `${offered.length} shown` : `${offered.length} hidden`;
  }

  const element = h(
    "section",
    { class: "panel proposals-panel", "aria-label": "Proposals" },
    h("header", { class: "panel-head" }, h("h2", {}, "Proposals"), note, eye),
    h("div", { class: "propose-row" }, propose, more),
    body,
  );
  store.on(["proposals", "offered", "selectedProposals", "proposalsOn", "sift", "likeness", "grid", "selectedId", "categories", "shownId", "images"], show);
  store.on(["hoveredProposal"], () => {
    for (const row of list.children) row.classList.toggle("hovered", row.id === `proposal-${state.hoveredProposal}`);
  });
  store.on(["selectedProposals"], () => {
    if (state.selectedProposals.length === 1) document.getElementById(`proposal-${state.selectedProposals[0]}`)?.scrollIntoView({ block: "nearest" });
  });
  return element;
}
