/**
 * Masks as the server sends them (COCO run lengths) turned into shapes that a canvas can paint.
 *
 * A run-length mask is column-major and starts with the zeros; see pycocotools' maskApi for the text form. Everything
 * here counts in pixels of the mask, which may be smaller than the original picture.
 */

import { edgePath, smoothPath, traceLoops } from "./outline.js";

const MANY_VERTICES = 16000; // beyond it, stroking a path costs more than painting a bitmap of its edge
const CACHE_BYTES = 96 * 1024 * 1024;

/**
 * @typedef {{size: [number, number], counts: string}} Rle  size is [height, width]
 *
 * @typedef {object} Mask
 * @property {number} width
 * @property {number} height
 * @property {[number, number, number, number]} bbox  x, y, width, height of the tightest box; all 0 when empty
 * @property {number} area  pixels in the mask
 * @property {Uint8Array} bits  the box alone, column-major, with a rim of zeros one pixel wide around it
 * @property {Int32Array} tops  index in bits of the upper pixel of every run
 */

/**
 * The lengths of the runs, zeros first. Each is written in groups of five bits, lowest first, offset by 48; bit 6 says
 * that another group follows; from the fourth on it is the difference to the run two before.
 *
 * @param {string} counts
 * @returns {Int32Array}
 */
function runLengths(counts) {
  const lengths = new Int32Array(counts.length);
  let runs = 0;
  for (let place = 0; place < counts.length; runs += 1) {
    let value = 0;
    let shift = 0;
    let group;
    do {
      if (place >= counts.length) throw new Error("The mask's text breaks off within a number.");
      group = counts.charCodeAt(place) - 48;
      if (group < 0 || group > 63) throw new Error(`The mask's text has a foreign character at place ${place}.`);
      value |= (group & 31) << shift;
      shift += 5;
      place += 1;
    } while (group & 32);
    if (group & 16) value |= shift < 32 ? -1 << shift : 0;
    if (runs > 2) value += lengths[runs - 2];
    if (value < 0) throw new Error("The mask's text has a run of negative length.");
    lengths[runs] = value;
  }
  return lengths.subarray(0, runs);
}

/**
 * @param {Rle} rle
 * @returns {Mask}
 * @throws {Error} if the text is malformed or does not fill its size
 */
export function decodeRle({ size: [height, width], counts }) {
  const lengths = runLengths(counts);
  let left = width;
  let right = -1;
  let top = height;
  let bottom = -1;
  let area = 0;
  let pieces = 0; // runs, cut where a column ends
  let end = 0;
  for (let run = 0; run < lengths.length; run += 1) {
    const start = end;
    end += lengths[run];
    if (run % 2 === 0 || start === end) continue;
    const first = Math.floor(start / height);
    const last = Math.floor((end - 1) / height);
    if (first < left) left = first;
    if (last > right) right = last;
    const from = first === last ? start - first * height : 0;
    const to = first === last ? end - 1 - last * height : height - 1;
    if (from < top) top = from;
    if (to > bottom) bottom = to;
    area += end - start;
    pieces += last - first + 1;
  }
  if (end !== height * width) throw new Error(`The mask's runs make ${end} pixels, expected ${height} × ${width}.`);
  if (!area) return { width, height, bbox: [0, 0, 0, 0], area, bits: new Uint8Array(4), tops: new Int32Array(0) };

  const boxWidth = right - left + 1;
  const boxHeight = bottom - top + 1;
  const stride = boxHeight + 2;
  const bits = new Uint8Array((boxWidth + 2) * stride);
  const tops = new Int32Array(pieces);
  let piece = 0;
  end = 0;
  for (let run = 0; run < lengths.length; run += 1) {
    let start = end;
    end += lengths[run];
    if (run % 2 === 0) continue;
    while (start < end) {
      const column = Math.floor(start / height);
      const stop = Math.min(end, (column + 1) * height);
      const shift = (column - left + 1) * stride + 1 - top - column * height;
      bits.fill(1, start + shift, stop + shift);
      tops[piece] = start + shift;
      piece += 1;
      start = stop;
    }
  }
  return { width, height, bbox: [left, top, boxWidth, boxHeight], area, bits, tops };
}

/** A decoded mask, ready to paint: paths for most, a bitmap of fill and rim for one that is all edges. */
export class Shape {
  #loops;
  #exact = null;
  #smooth = null;
  #mask = null;
  #tints = new Map();

  /** @param {Mask} mask */
  constructor(mask) {
    this.bbox = mask.bbox;
    this.area = mask.area;
    this.size = { width: mask.width, height: mask.height };
    const noise = mask.tops.length > 2 * MANY_VERTICES; // not worth tracing
    this.#loops = noise ? [] : traceLoops(mask);
    const vertices = this.#loops.reduce((sum, loop) => sum + loop.length / 2, 0);
    /** Whether it is painted by tint() and has no path(). */
    this.raster = noise || vertices > MANY_VERTICES;
    if (this.raster) {
      this.#mask = mask;
      this.#loops = [];
    }
    this.bytes = this.raster ? mask.bits.length * 10 : vertices * 60 + 400; // with its bitmaps or paths, roughly
    this.anchor = topAnchor(mask);
  }

  /** Along the pixels' edges if `exact`, else with the stairs smoothed; in pixels of the mask. */
  path(exact) {
    if (exact) return (this.#exact ??= edgePath(this.#loops));
    return (this.#smooth ??= smoothPath(this.#loops));
  }

  /**
   * Fill or rim of a raster shape as a bitmap of its box in one colour.
   *
   * @param {string} color  any CSS colour
   * @param {boolean} rim  only the pixels at the border
   */
  tint(color, rim) {
    const key = `${rim} ${color}`;
    let bitmap = this.#tints.get(key);
    if (!bitmap) {
      if (this.#tints.size > 6) this.#tints.clear();
      bitmap = paintBits(this.#mask, color, rim);
      this.#tints.set(key, bitmap);
    }
    return bitmap;
  }
}

/** The middle of the first run of the mask's top row: where its number tag is fixed. Image place in mask pixels. */
function topAnchor({ bbox: [left, top, width, height], bits }) {
  const stride = height + 2;
  let first = 0;
  while (first < width && !bits[(first + 1) * stride + 1]) first += 1;
  let last = first;
  while (last + 1 < width && bits[(last + 2) * stride + 1]) last += 1;
  return { x: left + (first + last + 1) / 2, y: top };
}

function paintBits({ bbox: [, , width, height], bits }, color, rim) {
  const stride = height + 2;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let x = 0; x < width; x += 1) {
    for (let y = 0, at = (x + 1) * stride + 1; y < height; y += 1, at += 1) {
      if (!bits[at]) continue;
      const inner = rim && bits[at - 1] && bits[at + 1] && bits[at - stride] && bits[at + stride];
      if (!inner) pixels[y * width + x] = 0xffffffff;
    }
  }
  context.putImageData(image, 0, 0);
  context.globalCompositeOperation = "source-in";
  context.fillStyle = color;
  context.fillRect(0, 0, width, height);
  return canvas;
}

/** Decoded shapes by their text, the least recently used dropped when they grow beyond a bound. */
export class ShapeCache {
  #shapes = new Map();
  #bytes = 0;

  /** @param {number} limit  bytes, roughly */
  constructor(limit = CACHE_BYTES) {
    this.limit = limit;
  }

  get size() {
    return this.#shapes.size;
  }

  /**
   * @param {Rle} rle
   * @returns {Shape}
   */
  get(rle) {
    const [height, width] = rle.size;
    let shape = this.#shapes.get(rle.counts);
    if (shape) this.#drop(rle.counts, shape);
    if (shape?.size.height !== height || shape.size.width !== width) shape = new Shape(decodeRle(rle));
    this.#shapes.set(rle.counts, shape);
    this.#bytes += shape.bytes + rle.counts.length;
    for (const [oldest, dropped] of this.#shapes) {
      if (this.#bytes <= this.limit || dropped === shape) break;
      this.#drop(oldest, dropped);
    }
    return shape;
  }

  #drop(counts, shape) {
    this.#shapes.delete(counts);
    this.#bytes -= shape.bytes + counts.length;
  }
}
