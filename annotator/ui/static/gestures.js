/**
 * What a hand does on the canvas, turned into clicks, boxes, moved points and a moved view.
 *
 * One gesture runs at a time; `drag` says which, for the painter. Places are screen places (CSS pixels from the canvas's
 * corner) unless they are called image places. A click counts where it was pressed, not where it was let go.
 */

const SLOP = { mouse: 4, right: 12, pen: 6, touch: 10 }; // CSS pixels: a shorter way is still a click
const HIT_RADIUS = { mouse: 9, pen: 12, touch: 18 };
const LONG_PRESS_MS = 500;
const NOTCH = 40; // a wheel step beyond it comes from a wheel with notches, and is eased

/**
 * @typedef {import("./viewport.js").Place} Place
 *
 * @typedef {object} Drag
 * @property {"press"|"box"|"band"|"move"|"pan"|"pinch"|"spent"} kind
 * @property {Place} start  image place of the press
 * @property {Place} at  image place of the pointer now
 * @property {number} [index]  of the point under the press
 */

export class Gestures {
  /** @type {Drag|null} */
  drag = null;
  /** @type {Place|null} where the mouse hovers */
  hover = null;
  /** Index of the point under the mouse, or null. */
  hoverPoint = null;
  panning = false;

  #pointers = new Map();
  #timer = 0;
  #zoomLeft = 0; // logarithm of the zoom still to come
  #zoomPlace = null;
  #listening = new AbortController();

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {import("./viewport.js").Viewport} viewport
   * @param {object} scene  ready() -> bool, points() -> [{x, y, label}], tapLabel() -> 0|1, handlers,
   *   picking() -> bool: proposals are shown, proposalAt(pixel) -> id|null,
   *   changed() after anything the prompt layer shows, moved() after the view moved
   */
  constructor(canvas, viewport, scene) {
    this.canvas = canvas;
    this.viewport = viewport;
    this.scene = scene;
    const on = (type, act, options = {}, target = canvas) =>
      target.addEventListener(type, act, { signal: this.#listening.signal, ...options });
    on("pointerdown", (event) => this.#down(event));
    on("pointermove", (event) => this.#move(event));
    on("pointerup", (event) => this.#up(event));
    on("pointercancel", (event) => this.#lost(event));
    on("pointerleave", () => this.#leave());
    on("wheel", (event) => this.#wheel(event), { passive: false });
    on("contextmenu", (event) => event.preventDefault());
    on("mousedown", (event) => event.button === 1 && event.preventDefault()); // no autoscroll
    on("dragstart", (event) => event.preventDefault());
    on("keydown", (event) => this.#escape(event), { capture: true }, window);
    on("blur", () => this.#blur(), {}, window);
  }

  destroy() {
    this.cancel();
    this.#listening.abort();
  }

  setPanning(panning) {
    this.panning = panning;
    this.#cursor();
  }

  /** Drops the running gesture without a result; the fingers still down do nothing until they are lifted. */
  cancel() {
    clearTimeout(this.#timer);
    if (!this.drag) return;
    this.drag = this.#pointers.size ? { ...this.drag, kind: "spent" } : null;
    this.#cursor();
    this.scene.changed();
  }

  /** The points changed: a point in the hand that is no longer there is let go. */
  pointsChanged(before) {
    const index = this.drag?.index ?? null;
    if (index !== null) {
      const [was, is] = [before[index], this.scene.points()[index]];
      const same = is && is.x === was.x && is.y === was.y && is.label === was.label;
      if (!same && this.drag.kind === "move") this.cancel();
      if (!same && this.drag) this.drag.index = null;
    }
    this.hoverPoint = this.hover ? this.#hit(this.hover, "mouse") : null;
    this.#cursor();
  }

  /** One frame of an eased zoom; true while more is to come. */
  ease() {
    if (!this.#zoomLeft) return false;
    const part = Math.abs(this.#zoomLeft) < 0.01 ? this.#zoomLeft : this.#zoomLeft * 0.4;
    this.#zoomLeft -= part;
    this.viewport.zoomAt(Math.exp(part), this.#zoomPlace.x, this.#zoomPlace.y);
    this.scene.moved();
    return this.#zoomLeft !== 0;
  }

  #place(event) {
    const rect = this.canvas.getBoundingClientRect();
    return { x: event.clientX - rect.left, y: event.clientY - rect.top };
  }

  /** Index of the nearest point within reach of a screen place, or null. */
  #hit(place, kind) {
    let nearest = null;
    let reach = HIT_RADIUS[kind] ?? HIT_RADIUS.mouse;
    this.scene.points().forEach((point, index) => {
      const at = this.viewport.toScreen({ x: point.x + 0.5, y: point.y + 0.5 });
      const distance = Math.hypot(at.x - place.x, at.y - place.y);
      if (distance <= reach) [nearest, reach] = [index, distance];
    });
    return nearest;
  }

  #down(event) {
    if (!this.scene.ready()) return;
    const place = this.#place(event);
    const kind = event.pointerType;
    this.canvas.setPointerCapture(event.pointerId);
    this.#pointers.set(event.pointerId, place);
    if (this.#pointers.size === 2 && kind === "touch") {
      clearTimeout(this.#timer);
      this.drag = { ...this.drag, kind: "pinch" };
      this.scene.changed();
    }
    if (this.#pointers.size > 1) return;

    const at = this.viewport.toImage(place);
    const pan = event.button === 1 || (event.button === 0 && this.panning);
    const right = event.button === 2;
    if (!pan && !right && event.button !== 0) return;
    const tap = kind === "mouse" ? 1 : this.scene.tapLabel();
    this.drag = {
      kind: pan ? "pan" : "press",
      pointer: event.pointerId,
      start: at,
      at,
      place,
      slop: right ? SLOP.right : (SLOP[kind] ?? SLOP.mouse),
      label: right || event.shiftKey ? 0 : tap,
      right,
      shift: event.shiftKey && !right,
      erase: event.altKey && !right,
      index: right || event.shiftKey ? null : this.#hit(place, kind),
    };
    if (kind === "touch" && !pan) this.#timer = setTimeout(() => this.#longPress(), LONG_PRESS_MS);
    this.#cursor();
    this.scene.changed();
  }

  #move(event) {
    const place = this.#place(event);
    const before = this.#pointers.get(event.pointerId);
    if (before) this.#pointers.set(event.pointerId, place);
    this.#hovers(place, event);
    const { drag } = this;
    if (!drag || !before) return;
    if (drag.kind === "pinch") this.#pinch(event.pointerId, before, place);
    if (drag.pointer !== event.pointerId) return;
    if (drag.kind === "pan") {
      this.viewport.panBy(place.x - before.x, place.y - before.y);
      this.scene.moved();
    } else if (drag.kind === "press" && Math.hypot(place.x - drag.place.x, place.y - drag.place.y) >= drag.slop) {
      clearTimeout(this.#timer);
      const still = drag.right || drag.erase;
      const drawn = drag.shift && this.scene.picking() ? "band" : "box";
      drag.kind = still ? "spent" : drag.index !== null ? "move" : drawn;
    }
    drag.at = this.viewport.toImage(place);
    this.#cursor();
    this.scene.changed();
  }

  #up(event) {
    clearTimeout(this.#timer);
    if (!this.#pointers.delete(event.pointerId)) return;
    const { drag } = this;
    if (this.#pointers.size) {
      if (drag) drag.kind = "spent";
      return;
    }
    this.drag = null;
    if (drag?.pointer === event.pointerId) this.#finish(drag);
    this.#hovers(this.#place(event), event);
    this.#cursor();
    this.scene.changed();
  }

  #finish(drag) {
    const { viewport } = this;
    const { handlers } = this.scene;
    if (drag.kind === "press" && drag.erase) {
      if (drag.index !== null) handlers.onDeletePoint?.({ index: drag.index });
    } else if (drag.kind === "press") {
      const picked = !drag.right && drag.index === null && viewport.holds(drag.start) ? this.scene.proposalAt(viewport.pixel(drag.start)) : null;
      if (picked !== null) handlers.onPick?.(picked, drag.shift);
      else if (viewport.holds(drag.start)) handlers.onPoint?.({ ...viewport.pixel(drag.start), label: drag.label });
    } else if (drag.kind === "box" || drag.kind === "band") {
      const box = viewport.box(drag.start, drag.at);
      if (box) (drag.kind === "box" ? handlers.onBox : handlers.onBand)?.(box);
    } else if (drag.kind === "move") {
      handlers.onMovePoint?.({ index: drag.index, ...viewport.pixel(this.movedTo(drag)) });
    }
  }

  /** Image place of the point in the hand: it keeps its distance to the pointer that took it. */
  movedTo({ index, start, at }) {
    const point = this.scene.points()[index];
    return { x: point.x + 0.5 + at.x - start.x, y: point.y + 0.5 + at.y - start.y };
  }

  #longPress() {
    const { drag, viewport } = this;
    if (drag?.kind !== "press") return;
    drag.kind = "spent";
    if (!viewport.holds(drag.start)) return;
    navigator.vibrate?.(12);
    this.scene.handlers.onPoint?.({ ...viewport.pixel(drag.start), label: 0 });
    this.scene.changed();
  }

  #pinch(pointer, before, place) {
    const other = [...this.#pointers].find(([id]) => id !== pointer)?.[1];
    if (!other) return;
    const grown = Math.hypot(place.x - other.x, place.y - other.y) / Math.hypot(before.x - other.x, before.y - other.y);
    this.viewport.panBy((place.x - before.x) / 2, (place.y - before.y) / 2);
    if (Number.isFinite(grown) && grown > 0) {
      this.viewport.zoomAt(grown, (place.x + other.x) / 2, (place.y + other.y) / 2);
    }
    this.scene.moved();
  }

  #lost(event) {
    this.#pointers.delete(event.pointerId);
    this.cancel();
  }

  /** The window lost the hand: it may never hear that the fingers were lifted. */
  #blur() {
    this.#pointers.clear();
    this.cancel();
  }

  #leave() {
    this.#hovers(null);
    this.scene.changed();
  }

  #hovers(place, event = null) {
    const mouse = place && event?.pointerType !== "touch";
    this.hover = mouse ? place : null;
    this.hoverPoint = mouse ? this.#hit(place, event.pointerType) : null;
    this.erasing = Boolean(event?.altKey);
    const at = place && this.scene.ready() ? this.viewport.toImage(place) : null;
    this.scene.handlers.onHover?.(at && this.viewport.holds(at) ? this.viewport.pixel(at) : null);
    if (!this.drag) {
      this.#cursor();
      this.scene.changed();
    }
  }

  #wheel(event) {
    event.preventDefault();
    if (!this.scene.ready()) return;
    const pixels = event.deltaY * [1, 33, 400][event.deltaMode];
    const notched = Math.abs(pixels) >= NOTCH;
    const pinched = event.ctrlKey && !notched; // two fingers on a touchpad
    this.#zoomLeft += Math.max(-1, Math.min(1, -pixels * (pinched ? 0.01 : 0.0018)));
    this.#zoomPlace = this.#place(event);
    if (!notched || matchMedia("(prefers-reduced-motion: reduce)").matches) {
      this.viewport.zoomAt(Math.exp(this.#zoomLeft), this.#zoomPlace.x, this.#zoomPlace.y);
      this.#zoomLeft = 0;
    }
    this.scene.moved();
  }

  /** Escape within a drag gives up the drag and nothing else. */
  #escape(event) {
    if (event.key !== "Escape" || !this.drag || this.drag.kind === "spent") return;
    event.preventDefault();
    event.stopImmediatePropagation(); // the page's own keys listen on the window too
    this.cancel();
  }

  #cursor() {
    const kind = this.drag?.kind;
    let cursor = "outside";
    if (kind === "pan" || kind === "move") cursor = "grabbing";
    else if (this.panning) cursor = "grab";
    else if (kind === "box" || kind === "band") cursor = "picture";
    else if (this.hoverPoint !== null) cursor = this.erasing ? "erase" : "point";
    else if (this.hover && this.viewport.holds(this.viewport.toImage(this.hover))) {
      const over = this.scene.picking() ? this.scene.proposalAt(this.viewport.pixel(this.viewport.toImage(this.hover))) : null;
      cursor = over === null ? "picture" : "pick";
    }
    this.canvas.dataset.cursor = cursor;
  }
}
