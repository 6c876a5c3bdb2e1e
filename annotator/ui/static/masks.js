/**
 * Masks as the server sends them (COCO run lengths) turned into shapes that a canvas can paint.
 *
 * A run-length mask is column-major and starts with the zeros; see pycocotools' maskApi for the text form. Everything
 * here counts in pixels of the mask, which may be smaller than the original picture.
 */

const MANY_VERTICES = 16000; // beyond it, stroking a path costs more than painting a bitmap of its edge
const TIP = Math.SQRT1_2; // pixels cut off both sides of a right angle: half a pixel off its tip
const LONGEST_CUT = 8; // pixels; a longer side stays straight in its middle
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

/**
 * The borders of a mask along its pixels' edges, inside on the right hand; pixels that touch at a corner only are kept
 * apart. Corners alone are listed.
 *
 * @param {Mask} mask
 * @returns {Int32Array[]} one closed loop each: x0, y0, x1, y1, … in pixels of the whole mask
 */
export function traceLoops({ bbox, bits, tops }) {
  const [left, top, , boxHeight] = bbox;
  const stride = boxHeight + 2;
  // Seen from a corner, with `at` the pixel below right of it: for each heading (right, down, left, up) the pixels ahead
  // to the right and to the left, and the step to the next corner.
  const aheadRight = [0, -stride, -stride - 1, -1];
  const aheadLeft = [-1, 0, -stride, -stride - 1];
  const step = [stride, 1, -stride, -1];
  const stepX = [1, 0, -1, 0];
  const stepY = [0, 1, 0, -1];
  const seen = new Uint8Array(bits.length); // pixels whose upper edge is in a loop already
  const loops = [];
  for (const start of tops) {
    if (seen[start] || bits[start - 1]) continue;
    const corners = [];
    let at = start;
    let heading = 0;
    let x = left + Math.floor(start / stride) - 1;
    let y = top + (start % stride) - 1;
    do {
      if (heading === 0) seen[at] = 1;
      at += step[heading];
      x += stepX[heading];
      y += stepY[heading];
      if (!bits[at + aheadRight[heading]]) heading = (heading + 1) & 3;
      else if (bits[at + aheadLeft[heading]]) heading = (heading + 3) & 3;
      else continue;
      corners.push(x, y);
    } while (at !== start || heading !== 0);
    loops.push(Int32Array.from(corners));
  }
  return loops;
}

/**
 * @param {Int32Array[]} loops
 * @returns {Path2D} exactly along the pixels' edges
 */
function edgePath(loops) {
  const path = new Path2D();
  for (const loop of loops) {
    path.moveTo(loop[0], loop[1]);
    for (let i = 2; i < loop.length; i += 2) path.lineTo(loop[i], loop[i + 1]);
    path.closePath();
  }
  return path;
}

/**
 * The same borders with their corners cut off, so that stairs become straight lines; nowhere is more than half a pixel
 * lost or won. A corner beside a step of one pixel is cut in the middle of both its sides, any other close to its tip.
 *
 * @param {Int32Array[]} loops
 * @returns {Path2D}
 */
function smoothPath(loops) {
  const path = new Path2D();
  for (const loop of loops) {
    const corners = loop.length;
    let fromX = loop[corners - 2];
    let fromY = loop[corners - 1];
    let lastX = NaN;
    let lastY = NaN;
    const lineTo = (x, y) => {
      if (x === lastX && y === lastY) return;
      if (Number.isNaN(lastX)) path.moveTo(x, y);
      else path.lineTo(x, y);
      lastX = x;
      lastY = y;
    };
    for (let i = 0; i < corners; i += 2) {
      const x = loop[i];
      const y = loop[i + 1];
      const nextX = loop[(i + 2) % corners];
      const nextY = loop[(i + 3) % corners];
      const before = Math.abs(x - fromX) + Math.abs(y - fromY);
      const after = Math.abs(nextX - x) + Math.abs(nextY - y);
      const most = before > 1 && after > 1 ? TIP : LONGEST_CUT;
      const cutBefore = Math.min(before / 2, most) / before;
      const cutAfter = Math.min(after / 2, most) / after;
      lineTo(x + (fromX - x) * cutBefore, y + (fromY - y) * cutBefore);
      lineTo(x + (nextX - x) * cutAfter, y + (nextY - y) * cutAfter);
      fromX = x;
      fromY = y;
    }
    path.closePath();
  }
  return path;
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
