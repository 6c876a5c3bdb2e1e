/** All instances side by side: to see wrong ones at a glance, and to give them another category or delete them. */

import { h, isTyping, setAttribute, setText } from "./dom.js";
import { count, score, share } from "./format.js";
import { createDeeds } from "./gallerydeeds.js";
import { createGrid } from "./grid.js";
import { createGalleryBar } from "./gallerybar.js";
import { icon } from "./icons.js";
import { chord } from "./keys.js";
import { categoryOf } from "./store.js";
import { createTiles } from "./tiles.js";

/**
 * @param {object} parts
 * @param {import("./store.js").Store} parts.store
 * @param {ReturnType<import("./server.js").createServer>} parts.server
 * @param {ReturnType<import("./looking.js").createLooking>} parts.looking
 * @param {() => Promise<void>} parts.settled
 * @param {(answer: object) => void} parts.onChanged pictures and categories have changed
 * @param {(imageId: number, instanceId: number) => void} parts.go
 */
export function createGallery({ store, server, looking, settled, onChanged, go }) {
  const { state } = store;
  let ids = [];
  let cursor = 0; // index of the tile that keys are about where none is selected
  let anchor = 0; // where a range that is being selected began
  let selected = new Set();
  let kept = new Set(); // was selected before the drag that is under way
  let asked = 0; // of several lists asked for in a row, the last counts

  const deeds = createDeeds({
    server,
    settled,
    onAnswer(answer) {
      onChanged(answer);
      tiles.forget(new Set(answer.image_ids));
      grid.refresh();
    },
  });
  const tiles = createTiles({ server, onCome: () => grid.refresh(), onLost: (error) => say(error.message) });
  const grid = createGrid({
    label: "Instances",
    create: (index) => tileOf(ids[index]),
    update,
    onView: (first, end) => tiles.want(ids.slice(first, end)),
    onBand(indexes, event, isFirst) {
      if (isFirst) kept = event.shiftKey || event.ctrlKey || event.metaKey ? new Set(selected) : new Set();
      choose(new Set([...kept, ...indexes.map((index) => ids[index])]));
    },
  });

  const bar = createGalleryBar({
    state,
    onFilter() {
      load({ fromTop: true });
      grid.element.focus({ preventScroll: true });
    },
    onUndo: () => again(deeds.undo, "Undone"),
    onRedo: () => again(deeds.redo, "Done again"),
    onCategory: (its) => recategorise(its),
  });
  const { say } = bar;
  const empty = h("p", { id: "gallery-empty", class: "analysis-empty", hidden: true });
  const element = h("div", { class: "gallery" }, bar.element, bar.palette, grid.element, empty);

  // the list

  async function load({ fromTop = false } = {}) {
    const mine = (asked += 1);
    const focused = ids[cursor];
    say("");
    try {
      await settled();
      const wanted = bar.wanted();
      if (wanted.order === "odd") await looking.look((job) => mine === asked && say(`Looking at the masks: ${job.done} of ${count(job.total, "picture")}…`));
      const answer = await server.request("gallery", wanted);
      if (mine !== asked) return;
      say("");
      ids = answer.ids;
      bar.setLabelers(answer.labelers);
      cursor = fromTop ? 0 : Math.max(0, ids.indexOf(focused));
      anchor = cursor;
      selected = new Set(ids.filter((id) => selected.has(id)));
      tiles.clear();
      grid.setCount(ids.length);
      if (cursor === 0) grid.element.scrollTop = 0;
      empty.hidden = ids.length > 0;
      grid.element.hidden = ids.length === 0;
      setText(empty, bar.isFiltered() ? "No instance is like that." : "No instances yet. Save one, or accept proposals, then look again.");
      tell();
    } catch (error) {
      if (mine === asked) say(error.message);
    }
  }

  function tell() {
    bar.tell({ selected: selected.size, listed: ids.length, canUndo: deeds.canUndo, canRedo: deeds.canRedo });
  }

  // tiles

  function tileOf(id) {
    return h(
      "div",
      { class: "tile", role: "option", id: `tile-${id}`, dataset: { id } },
      h("span", { class: "tile-frame" }, h("img", { alt: "", draggable: "false", decoding: "async" }), h("span", { class: "tile-check", "aria-hidden": "true" }, icon("check"))),
      h("span", { class: "tile-words" }, h("span", { class: "swatch small" }), h("span", { class: "tile-category" }), h("span", { class: "tile-detail" })),
      h("span", { class: "tile-picture" }),
    );
  }

  function update(tile, index) {
    const id = ids[index];
    const one = tiles.get(id);
    setAttribute(tile, "aria-selected", String(selected.has(id)));
    setAttribute(tile, "aria-posinset", index + 1);
    setAttribute(tile, "aria-setsize", ids.length);
    tile.classList.toggle("cursor", index === cursor);
    tile.classList.toggle("gone", one === null);
    if (index === cursor) setAttribute(grid.element, "aria-activedescendant", tile.id);
    if (!one) {
      if (one === null) setText(tile.querySelector(".tile-category"), "deleted");
      return;
    }
    const its = categoryOf(state, one.category_id);
    tile.style.setProperty("--color", its?.color ?? "#888888");
    const picture = tile.querySelector("img");
    const url = new URL(one.url, document.baseURI).href;
    if (picture.src !== url) picture.src = url;
    const detail = detailOf(one);
    setText(tile.querySelector(".tile-category"), its?.name ?? "?");
    setText(tile.querySelector(".tile-detail"), detail);
    setText(tile.querySelector(".tile-picture"), one.image_name);
    setAttribute(tile, "aria-label", `${its?.name ?? "?"}, ${detail}, ${one.image_name}`);
  }

  function detailOf(one) {
    if (bar.wanted().order === "smallest" || bar.wanted().order === "largest") return `${one.area.toLocaleString("en")} px`;
    if (bar.wanted().order === "least_sure") return `IoU ${score(one.predicted_iou)}`;
    return share(one.area, one.size_hw[0] * one.size_hw[1]);
  }

  // choosing

  function choose(some) {
    selected = some;
    grid.refresh();
    tell();
  }

  function moveTo(index, { extend = false } = {}) {
    if (ids.length === 0) return;
    cursor = Math.min(ids.length - 1, Math.max(0, index));
    if (extend) choose(new Set(ids.slice(Math.min(anchor, cursor), Math.max(anchor, cursor) + 1)));
    else anchor = cursor;
    grid.reveal(cursor);
  }

  function toggle(index) {
    const next = new Set(selected);
    if (!next.delete(ids[index])) next.add(ids[index]);
    anchor = cursor = index;
    choose(next);
  }

  const indexOf = (event) => {
    const tile = event.target.closest(".tile");
    return tile ? ids.indexOf(Number(tile.dataset.id)) : -1;
  };

  grid.element.addEventListener("click", (event) => {
    const index = indexOf(event);
    if (index < 0) return;
    if (event.target.closest(".tile-check") || event.ctrlKey || event.metaKey) return toggle(index);
    if (event.shiftKey) return moveTo(index, { extend: true });
    cursor = anchor = index;
    openCursor();
  });
  // The tile under the mouse is the one that keys are about; one that is scrolled under a resting mouse is not.
  grid.element.addEventListener("pointermove", (event) => {
    if (event.pointerType !== "mouse" || event.buttons || (event.movementX === 0 && event.movementY === 0)) return;
    const index = indexOf(event);
    if (index < 0 || index === cursor) return;
    cursor = index;
    if (!event.shiftKey) anchor = index;
    grid.refresh();
  });

  // doing

  /** What a deed is about: the selected ones, else the one under the cursor. */
  function meant() {
    const some = selected.size ? [...selected] : ids.slice(cursor, cursor + 1);
    return some.filter((id) => tiles.get(id) !== null);
  }

  async function recategorise(its) {
    const some = meant().filter((id) => tiles.get(id)?.category_id !== its.id);
    if (some.length === 0) return say(ids.length ? `It is ${its.name} already.` : "");
    tiles.foresee(some, { category_id: its.id });
    await attempt(() => deeds.setCategory(some, its), `${count(some.length, "instance")} ${some.length === 1 ? "is" : "are"} ${its.name} now.`);
  }

  async function remove() {
    const some = meant();
    if (some.length === 0) return;
    tiles.foresee(some, null);
    choose(new Set());
    await attempt(() => deeds.remove(some), `${count(some.length, "instance")} deleted. Ctrl+Z brings ${some.length === 1 ? "it" : "them"} back.`);
  }

  async function again(what, word) {
    await attempt(async () => {
      const outcome = await what();
      const listed = new Set(ids);
      if (outcome?.ids.some((id) => !listed.has(id))) await load(); // what came back was gone when it was listed
      return { gone: [], refused: outcome?.refused ?? ["There is nothing more."] };
    }, `${word}.`);
  }

  async function attempt(work, success) {
    grid.refresh();
    try {
      const { gone, refused } = await work();
      const lost = gone.length ? `${count(gone.length, "instance")} had been deleted meanwhile.` : "";
      say([...new Set(refused), lost].filter(Boolean).join(" ") || success);
    } catch (error) {
      tiles.clear();
      say(error.message);
    }
    grid.refresh();
    tell();
  }

  function openCursor() {
    const one = tiles.get(ids[cursor]);
    if (one) go(one.image_id, one.id);
  }

  // keys

  const KEYS = {
    ArrowRight: (event) => moveTo(cursor + 1, { extend: event.shiftKey }),
    ArrowLeft: (event) => moveTo(cursor - 1, { extend: event.shiftKey }),
    ArrowDown: (event) => moveTo(cursor + grid.columns, { extend: event.shiftKey }),
    ArrowUp: (event) => moveTo(cursor - grid.columns, { extend: event.shiftKey }),
    PageDown: (event) => moveTo(cursor + grid.columns * grid.rowsInView, { extend: event.shiftKey }),
    PageUp: (event) => moveTo(cursor - grid.columns * grid.rowsInView, { extend: event.shiftKey }),
    Home: (event) => moveTo(0, { extend: event.shiftKey }),
    End: (event) => moveTo(ids.length - 1, { extend: event.shiftKey }),
    Enter: openCursor,
    Space: () => toggle(cursor),
    X: remove,
    Delete: remove,
    Z: () => choose(new Set()),
    "Ctrl+A": () => choose(new Set(ids)),
    "Ctrl+Z": () => again(deeds.undo, "Undone"),
    "Ctrl+Shift+Z": () => again(deeds.redo, "Done again"),
    "Ctrl+Y": () => again(deeds.redo, "Done again"),
  };

  /** @param {KeyboardEvent} event while the gallery is shown */
  function key(event) {
    if (isTyping(event.target) || event.isComposing) return;
    const name = chord(event);
    const native = event.target.matches("button") && (name === "Enter" || name === "Space");
    const own = KEYS[name] ?? KEYS[name.replace("Shift+", "")];
    const its = state.categories.find((one) => one.key?.toUpperCase() === name);
    if (native || (!own && !its)) return;
    event.preventDefault();
    if (own) own(event);
    else if (!event.repeat) recategorise(its);
  }

  store.on(["categories"], () => {
    bar.setCategories();
    grid.refresh();
  });

  return {
    element,
    key,
    /** @param {{categoryId?: number}} [wanted] */
    enter({ categoryId } = {}) {
      bar.setCategories(categoryId);
      selected = new Set(); // out of sight, it would be forgotten, and the next key be about it
      load();
      grid.element.focus({ preventScroll: true });
    },
    leave() {
      asked += 1;
    },
  };
}
