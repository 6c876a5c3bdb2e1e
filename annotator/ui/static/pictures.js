/** The list of pictures on the left: thumbnails, how far each is, and a filter. */

import { h, keyed, setAttribute, setText } from "./dom.js";
import { icon } from "./icons.js";
import { tip } from "./tooltip.js";

export const STATUS_WORDS = {
  new: "new",
  in_progress: "in progress",
  done: "done",
  submitted: "submitted",
  returned: "returned",
  accepted: "accepted",
};

const FILTER_WORDS = {
  all: "All pictures",
  new: "New",
  in_progress: "In progress",
  done: "Done",
  submitted: "Submitted",
  returned: "Returned",
  accepted: "Accepted",
};

/**
 * @param {import("./store.js").Store} store
 * @param {{open: (id: number) => void, remove: (image: object) => void, chooseFiles: () => void}} actions
 * @returns {HTMLElement}
 */
export function createPictures(store, actions) {
  const { state } = store;
  const filter = h(
    "select",
    { id: "filter", class: "select", "aria-label": "Show pictures by status" },
    ...Object.entries(FILTER_WORDS).map(([value, word]) => h("option", { value }, word)),
  );
  filter.addEventListener("change", () => {
    store.set({ filter: filter.value });
    filter.blur();
  });
  const list = h("ul", { class: "picture-list", "aria-label": "Pictures" });
  const empty = h("p", { class: "empty-note", hidden: true });
  const importButton = h("button", { type: "button", id: "import", class: "button wide", onclick: actions.chooseFiles });
  importButton.append(icon("plus"), "Import");
  tip(importButton, "Pictures and data sets; files, folders and zips can also be dropped anywhere on the page");

  list.addEventListener("click", (event) => {
    const row = event.target.closest(".picture");
    if (!row) return;
    const image = state.images.find((one) => one.id === Number(row.dataset.id));
    if (event.target.closest(".picture-remove")) actions.remove(image);
    else actions.open(image.id);
  });

  function create(image) {
    const thumb = h("img", { class: "picture-thumb", loading: "lazy", decoding: "async", alt: "", draggable: "false" });
    const remove = tip(h("button", { type: "button", class: "icon-button picture-remove" }, icon("trash")), "Remove this picture");
    return h(
      "li",
      { class: "picture", id: `picture-${image.id}`, dataset: { id: image.id } },
      h(
        "button",
        { type: "button", class: "picture-open" },
        h("span", { class: "picture-frame" }, thumb),
        h(
          "span",
          { class: "picture-words" },
          h("span", { class: "picture-name" }),
          h("span", { class: "picture-status" }, h("span", { class: "status-sign" }), h("span", { class: "status-word" }), h("span", { class: "picture-count" })),
        ),
      ),
      remove,
    );
  }

  function update(row, image) {
    row.hidden = state.filter !== "all" && image.status !== state.filter && image.id !== state.currentId;
    setAttribute(row, "aria-current", image.id === state.currentId ? "true" : null);
    const signature = [image.name, image.status, image.instances, image.proposals, image.thumb, image.review_comment].join("\n");
    if (row.signature === signature) return; // of 2,000 rows, one has changed
    row.signature = signature;
    const thumb = row.querySelector(".picture-thumb");
    const url = new URL(image.thumb, document.baseURI).href;
    if (thumb.src !== url) thumb.src = url;
    setText(row.querySelector(".picture-name"), image.name);
    row.querySelector(".picture-open").setAttribute("title", image.name);
    const sign = row.querySelector(".status-sign");
    if (row.dataset.status !== image.status) sign.replaceChildren(icon(image.status));
    row.dataset.status = image.status;
    setText(row.querySelector(".status-word"), STATUS_WORDS[image.status]);
    row.querySelector(".picture-status").title = image.review_comment;
    const waiting = image.proposals ? `+${image.proposals}` : "";
    setText(row.querySelector(".picture-count"), [image.instances || "", waiting].filter(Boolean).join(" "));
    row.querySelector(".picture-count").title = `${image.instances} saved${waiting && `, ${image.proposals} proposals kept`}`;
  }

  function showFilter() {
    const counts = { all: state.images.length };
    for (const status of Object.keys(STATUS_WORDS)) counts[status] = 0;
    for (const image of state.images) counts[image.status] += 1;
    for (const option of filter.options) setText(option, `${FILTER_WORDS[option.value]} (${counts[option.value]})`);
    if (filter.value !== state.filter) filter.value = state.filter;
    empty.hidden = !state.ready || counts[state.filter] > 0;
    setText(empty, state.images.length === 0 ? "No pictures yet." : `No picture is ${STATUS_WORDS[state.filter] ?? "here"}.`);
  }

  store.on(["images", "filter", "ready", "currentId"], () => {
    keyed(list, state.images, { key: (image) => image.id, create, update });
    showFilter();
  });
  store.on(["currentId"], () => {
    const row = document.getElementById(`picture-${state.currentId}`);
    row?.scrollIntoView({ block: "nearest" });
  });

  return h(
    "nav",
    { class: "pictures", "aria-label": "Pictures" },
    h("div", { class: "pictures-head" }, filter),
    h("div", { class: "picture-scroll" }, list, empty),
    h("div", { class: "pictures-foot" }, importButton),
  );
}
