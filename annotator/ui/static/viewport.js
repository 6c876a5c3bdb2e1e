/**
 * Where the picture lies on the screen: one scale and one offset, no drawing and no events.
 *
 * Image coordinates are pixels of the ORIGINAL picture with the left edge of the first pixel at 0, so that pixel `i`
 * covers [i, i + 1). Screen coordinates are CSS pixels from the canvas's top left corner.
 */

const MARGIN = 16; // CSS pixels left free around a fitted picture
const KEPT = 48; // CSS pixels of the picture that stay in sight however far it is dragged
const MAX_FIT = 32; // a 1×1 picture becomes a tile to click on, not a wall
const MAX_SCALE = 64;
const SPECK = 64; // CSS pixels; what is smaller in both ways on a fitted picture is looked for
const NEAR = 96; // CSS pixels that it gets
const MAX_NEAR = 6; // nearer, nobody sees what it is of

/** @typedef {{x: number, y: number}} Place */

export class Viewport {
  /** CSS pixels per original pixel. */
  scale = 1;
  /** Screen place of the picture's top left corner. */
  x = 0;
  y = 0;
  /** Size of the canvas in CSS pixels. */
  width = 0;
  height = 0;
  /** Size of the original picture. */
  imageWidth = 1;
  imageHeight = 1;
  /** True while the picture follows the size of the canvas. */
  fitted = true;

  /** Takes another picture's size and fits it. */
  setImage(width, height) {
    this.imageWidth = width;
    this.imageHeight = height;
    this.fit();
  }

  /** Takes the canvas's new size: a fitted picture stays fitted, any other keeps what was in the middle there. */
  resize(width, height) {
    const dx = (width - this.width) / 2;
    const dy = (height - this.height) / 2;
    this.width = width;
    this.height = height;
    if (this.fitted) this.fit();
    else this.#move(this.x + dx, this.y + dy);
  }

  get fitScale() {
    const across = Math.max(1, this.width - 2 * MARGIN) / this.imageWidth;
    const down = Math.max(1, this.height - 2 * MARGIN) / this.imageHeight;
    return Math.min(across, down, MAX_FIT);
  }

  fit() {
    this.fitted = true;
    this.scale = this.fitScale;
    this.x = (this.width - this.imageWidth * this.scale) / 2;
    this.y = (this.height - this.imageHeight * this.scale) / 2;
  }

  /** Zooms by `factor` so that what lies under the screen place (x, y) stays under it. */
  zoomAt(factor, x, y) {
    const smallest = Math.min(this.fitScale / 2, 1);
    const scale = Math.min(MAX_SCALE, Math.max(smallest, this.scale * factor));
    const grown = scale / this.scale;
    this.scale = scale;
    this.fitted = false;
    this.#move(x - (x - this.x) * grown, y - (y - this.y) * grown);
  }

  /** Fits the picture; where a box on it is a speck then, goes near it. */
  reveal([x, y, width, height]) {
    this.fit();
    const side = Math.max(width, height, 1);
    if (side * this.scale >= SPECK) return;
    const middle = this.toScreen({ x: x + width / 2, y: y + height / 2 });
    this.zoomAt(Math.max(1, Math.min(NEAR / side, MAX_NEAR) / this.scale), middle.x, middle.y);
    this.panBy(this.width / 2 - middle.x, this.height / 2 - middle.y);
  }

  panBy(dx, dy) {
    this.fitted = false;
    this.#move(this.x + dx, this.y + dy);
  }

  /** @returns {Place} image coordinates (not whole, perhaps outside the picture) of a screen place */
  toImage({ x, y }) {
    return { x: (x - this.x) / this.scale, y: (y - this.y) / this.scale };
  }

  /** @returns {Place} */
  toScreen({ x, y }) {
    return { x: this.x + x * this.scale, y: this.y + y * this.scale };
  }

  /** Whether a place in image coordinates lies on the picture. */
  holds({ x, y }) {
    return x >= 0 && y >= 0 && x < this.imageWidth && y < this.imageHeight;
  }

  /** @returns {Place} whole numbers: the pixel at a place in image coordinates, the nearest one if it is outside */
  pixel({ x, y }) {
    return {
      x: Math.min(this.imageWidth - 1, Math.max(0, Math.floor(x))),
      y: Math.min(this.imageHeight - 1, Math.max(0, Math.floor(y))),
    };
  }

  /** The box of pixels between two places in image coordinates, cut to the picture; null if it is no box. */
  box(a, b) {
    const first = this.pixel({ x: Math.min(a.x, b.x), y: Math.min(a.y, b.y) });
    const last = this.pixel({ x: Math.max(a.x, b.x), y: Math.max(a.y, b.y) });
    if (first.x >= last.x || first.y >= last.y) return null;
    return { x0: first.x, y0: first.y, x1: last.x, y1: last.y };
  }

  #move(x, y) {
    const across = this.imageWidth * this.scale;
    const down = this.imageHeight * this.scale;
    this.x = Math.min(this.width - Math.min(KEPT, across), Math.max(Math.min(KEPT, across) - across, x));
    this.y = Math.min(this.height - Math.min(KEPT, down), Math.max(Math.min(KEPT, down) - down, y));
  }
}
