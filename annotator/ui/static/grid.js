/** A grid of very many tiles, of which those in view are in the page. */

import { h } from "./dom.js";

const LEAST_SIDE = 132; // pixels
const GAP = 8;
const CAPTION = 40; // height of the words below a tile's picture
const AHEAD = 2; // rows before and after those in view
const STEP = 5; // pixels that the mouse moves before a press is a drag
const EDGE = 32; // from the border of the view, where a drag scrolls

/**
 * @param {object} how
 * @param {string} how.label
 * @param {(index: number) => HTMLElement} how.create
 * @param {(tile: HTMLElement, index: number) => void} how.update
 * @param {(first: number, end: number) => void} how.onView these are in view now
 * @param {(indexes: number[], event: PointerEvent, isFirst: boolean) => void} how.onBand these lie under a dragged band
 */
export function createGrid({ label, create, update, onView, onBand }) {
  const space = h("div", { class: "grid-space", role: "presentation" });
  const element = h("div", { class: "grid", role: "listbox", "aria-multiselectable": "true", "aria-label": label, tabindex: "0" }, space);
  const band = h("div", { class: "grid-band", hidden: true });
  const tiles = new Map();
  let [count, columns, side, due] = [0, 1, LEAST_SIDE, false];
  space.append(band);

  const rowHeight = () => side + CAPTION + GAP;

  function measure() {
    const width = space.clientWidth;
    if (!width) return false;
    columns = Math.max(1, Math.floor((width + GAP) / (LEAST_SIDE + GAP)));
    side = (width - GAP * (columns - 1)) / columns;
    space.style.height = `${Math.ceil(count / columns) * rowHeight()}px`;
    space.style.setProperty("--side", `${side}px`);
    return true;
  }

  function paint() {
    due = false;
    if (!measure()) return;
    const inView = (edge, round) => round(edge / rowHeight());
    const first = Math.max(0, inView(element.scrollTop, Math.floor) - AHEAD) * columns;
    const end = Math.min(count, (inView(element.scrollTop + element.clientHeight, Math.ceil) + AHEAD) * columns);
    for (const [index, tile] of tiles) {
      if (index >= first && index < end) continue;
      tile.querySelector("img")?.removeAttribute("src"); // what is not seen any more need not come
      tile.remove();
      tiles.delete(index);
    }
    for (let index = first; index < end; index += 1) {
      let tile = tiles.get(index);
      if (!tile) {
        tile = create(index);
        tiles.set(index, tile);
        space.append(tile);
      }
      tile.style.transform = `translate(${(index % columns) * (side + GAP)}px, ${Math.floor(index / columns) * rowHeight()}px)`;
      update(tile, index);
    }
    onView(first, end);
  }

  function refresh() {
    if (due) return;
    due = true;
    requestAnimationFrame(paint);
  }

  function setCount(number) {
    count = number;
    for (const tile of tiles.values()) tile.remove();
    tiles.clear();
    refresh();
  }

  function reveal(index) {
    if (!measure()) return;
    const top = Math.floor(index / columns) * rowHeight();
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + rowHeight() > element.scrollTop + element.clientHeight) element.scrollTop = top + rowHeight() - element.clientHeight;
    refresh();
  }

  /** The tiles that a rectangle touches, in pixels of the space. */
  function under(left, top, right, bottom) {
    const found = [];
    const rows = Math.ceil(count / columns);
    for (let row = Math.max(0, Math.floor(top / rowHeight())); row <= Math.min(rows - 1, Math.floor(bottom / rowHeight())); row += 1) {
      for (let column = 0; column < columns; column += 1) {
        const index = row * columns + column;
        if (index >= count || column * (side + GAP) > right || column * (side + GAP) + side < left) continue;
        if (row * rowHeight() + rowHeight() - GAP >= top) found.push(index);
      }
    }
    return found;
  }

  function place(event) {
    const box = space.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  function startBand(press) {
    if (press.button !== 0 || press.pointerType !== "mouse" || press.target === element) return; // the scroll bar's
    const [fromX, fromY] = place(press);
    let begun = false;
    const move = (event) => {
      if (!begun && Math.hypot(event.clientX - press.clientX, event.clientY - press.clientY) < STEP) return;
      const box = element.getBoundingClientRect();
      if (event.clientY > box.bottom - EDGE) element.scrollTop += 12;
      if (event.clientY < box.top + EDGE) element.scrollTop -= 12;
      const [x, y] = place(event);
      const [left, top, right, bottom] = [Math.min(x, fromX), Math.min(y, fromY), Math.max(x, fromX), Math.max(y, fromY)];
      band.hidden = false;
      Object.assign(band.style, { left: `${left}px`, top: `${top}px`, width: `${right - left}px`, height: `${bottom - top}px` });
      onBand(under(left, top, right, bottom), event, !begun);
      begun = true;
    };
    const end = (event) => {
      window.removeEventListener("pointermove", move);
      window.removeEventListener("pointerup", end);
      band.hidden = true;
      if (!begun) return;
      // The click that ends a drag opens nothing.
      window.addEventListener("click", stop, { capture: true, once: true });
      setTimeout(() => window.removeEventListener("click", stop, { capture: true }));
      event.preventDefault();
    };
    window.addEventListener("pointermove", move);
    window.addEventListener("pointerup", end);
  }

  element.addEventListener("scroll", refresh, { passive: true });
  element.addEventListener("pointerdown", startBand);
  new ResizeObserver(refresh).observe(element);

  return {
    element,
    refresh,
    setCount,
    reveal,
    get columns() {
      return columns;
    },
    get rowsInView() {
      return Math.max(1, Math.floor(element.clientHeight / rowHeight()));
    },
  };
}

function stop(event) {
  event.stopPropagation();
  event.preventDefault();
}
