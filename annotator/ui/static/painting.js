/** What the canvas's layers show; each function paints one thing on a 2D context in device pixels. */

const PIXELS_FROM = 3; // screen pixels per picture pixel from which on pixels are shown as squares
const FOREGROUND = "#1a6fd4";
const BACKGROUND = "#d9480f";
const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";

/**
 * @typedef {object} Surface  where a layer paints
 * @property {CanvasRenderingContext2D} context
 * @property {import("./viewport.js").Viewport} viewport
 * @property {number} ratio  device pixels per CSS pixel
 */

/**
 * @param {Surface} surface
 * @param {ImageBitmap[]} levels  the picture, and the same at half the size, a quarter, …
 */
export function paintPicture({ context, viewport, ratio }, levels) {
  const x = Math.round(viewport.x * ratio);
  const y = Math.round(viewport.y * ratio);
  const width = Math.round(viewport.imageWidth * viewport.scale * ratio);
  const height = Math.round(viewport.imageHeight * viewport.scale * ratio);
  context.imageSmoothingEnabled = (viewport.imageWidth * viewport.scale) / levels[0].width < PIXELS_FROM;
  context.imageSmoothingQuality = "low"; // from a level less than twice as large nothing more can be seen
  context.drawImage(levels.findLast((level) => level.width >= width) ?? levels[0], x, y, width, height);
}

/**
 * Where a shape lies under the view, in device pixels.
 *
 * @param {Surface} surface @param {import("./masks.js").Shape} shape
 */
function placed({ context, viewport, ratio }, shape) {
  const across = (viewport.scale * ratio * viewport.imageWidth) / shape.size.width;
  const down = (viewport.scale * ratio * viewport.imageHeight) / shape.size.height;
  const [x, y, width, height] = shape.bbox;
  const left = viewport.x * ratio;
  const top = viewport.y * ratio;
  const box = [left + x * across, top + y * down, width * across, height * down];
  const { canvas } = context;
  const inView = box[0] < canvas.width && box[1] < canvas.height && box[0] + box[2] > 0 && box[1] + box[3] > 0;
  return { box, visible: inView && shape.area > 0, across, down, left, top };
}

/**
 * @param {Surface} surface
 * @param {import("./masks.js").Shape} shape
 * @param {object} style  fill: colour, alpha, hatch: colour or null, lines: [[colour, CSS width, dash or null], …]
 *   widest first
 */
export function paintShape(surface, shape, { fill, alpha, hatch = null, lines }) {
  const { context, ratio } = surface;
  const { box, visible, across, down, left, top } = placed(surface, shape);
  if (!visible) return;
  const exact = across / ratio >= PIXELS_FROM;
  context.save();
  if (!shape.raster) {
    const path = new Path2D();
    path.addPath(shape.path(exact), new DOMMatrix([across, 0, 0, down, left, top]));
    if (alpha > 0) {
      context.globalAlpha = alpha;
      context.fillStyle = fill;
      context.fill(path, "evenodd");
    }
    if (hatch) {
      context.globalAlpha = 1;
      context.fillStyle = hatching(context, hatch, ratio);
      context.fill(path, "evenodd");
    }
    context.globalAlpha = 1;
    context.lineJoin = exact ? "miter" : "round";
    for (const [color, width, dash] of lines) {
      context.strokeStyle = color;
      context.lineWidth = width * ratio;
      context.setLineDash((dash ?? []).map((length) => length * ratio));
      context.stroke(path);
    }
  } else {
    context.imageSmoothingEnabled = !exact;
    context.globalAlpha = alpha;
    if (alpha > 0) context.drawImage(shape.tint(fill, false), ...box);
    context.globalAlpha = 1;
    context.drawImage(shape.tint(lines[lines.length - 1][0], true), ...box);
  }
  context.restore();
}

const tiles = new Map();

/** Diagonal lines that keep their distance on the screen at every zoom. */
function hatching(context, color, ratio) {
  const key = `${color} ${ratio}`;
  let tile = tiles.get(key);
  if (!tile) {
    const side = Math.round(8 * ratio);
    tile = new OffscreenCanvas(side, side);
    const brush = tile.getContext("2d");
    brush.strokeStyle = color;
    brush.lineWidth = 1.25 * ratio;
    brush.beginPath();
    for (const shift of [-side, 0, side]) {
      brush.moveTo(shift - 1, side + 1);
      brush.lineTo(shift + side + 1, -1);
    }
    brush.stroke();
    if (tiles.size > 16) tiles.clear();
    tiles.set(key, tile);
  }
  return context.createPattern(tile, "repeat");
}

/** The chosen candidate: strong fill, white line on a dark one. */
export function candidateStyle(color) {
  return { fill: color, alpha: 0.42, lines: [["rgba(10, 14, 20, 0.8)", 4.25], ["#ffffff", 2]] };
}

/** The candidate that a look at the list brings up for a moment: hatched and dashed. */
export function ghostStyle(color) {
  return {
    fill: color,
    alpha: 0.3,
    hatch: "rgba(255, 255, 255, 0.55)",
    lines: [["rgba(10, 14, 20, 0.8)", 3.75], ["#ffffff", 1.75, [6, 4]]],
  };
}

/** The chosen candidate while another one is looked at: its line alone. */
export function recededStyle(color) {
  return { fill: color, alpha: 0.08, lines: [["rgba(10, 14, 20, 0.4)", 2.5], ["rgba(255, 255, 255, 0.7)", 1]] };
}

/** A saved instance in its category's colour. */
export function instanceStyle(color, { hovered, selected, editing }) {
  if (editing) return { fill: color, alpha: 0, lines: [["rgba(10, 14, 20, 0.5)", 2.5], [color, 1.25, [2, 4]]] };
  if (selected) {
    return {
      fill: color,
      alpha: 0.34,
      hatch: "rgba(255, 255, 255, 0.3)",
      lines: [["rgba(10, 14, 20, 0.85)", 5.5], ["#ffffff", 3.25], [color, 3.25, [9, 7]]],
    };
  }
  if (hovered) return { fill: color, alpha: 0.46, lines: [["rgba(10, 14, 20, 0.8)", 5], ["#ffffff", 3], [color, 1.5]] };
  return { fill: color, alpha: 0.24, lines: [["rgba(10, 14, 20, 0.6)", 3.25], [color, 1.75]] };
}

export const PROPOSAL_COLOR = "#ffd43b";

/** A proposal: its line alone, dashed where it overlaps something saved; filled under the pointer or selected. */
export function proposalStyle({ overlaps, hovered = false, selected = false }) {
  const dash = overlaps ? [5, 4] : null;
  if (selected) return { fill: PROPOSAL_COLOR, alpha: hovered ? 0.55 : 0.42, lines: [["rgba(10, 14, 20, 0.85)", 4.5], ["#ffffff", 2.5, dash]] };
  if (hovered) return { fill: PROPOSAL_COLOR, alpha: 0.3, lines: [["rgba(10, 14, 20, 0.8)", 4], [PROPOSAL_COLOR, 2.25, dash]] };
  return { fill: PROPOSAL_COLOR, alpha: 0, lines: [["rgba(10, 14, 20, 0.55)", 2.75], [PROPOSAL_COLOR, 1.25, dash]] };
}

/** Black or white, whichever reads better on `color` (#rrggbb). */
function inkOn(color) {
  const [red, green, blue] = [1, 3, 5].map((at) => (parseInt(color.slice(at, at + 2), 16) / 255) ** 2.2);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.36 ? "#10151c" : "#ffffff";
}

/** An instance's number (and name, when it is emphasised) in a small tag at the top of its mask. */
export function paintTag(surface, shape, { text, color, strong }) {
  const { context, ratio, viewport } = surface;
  const { visible, across, down, left, top } = placed(surface, shape);
  if (!visible) return;
  const anchorX = (left + shape.anchor.x * across) / ratio;
  const anchorY = (top + shape.anchor.y * down) / ratio;
  context.save();
  context.scale(ratio, ratio);
  context.font = `600 ${strong ? 12 : 11}px ${FONT}`;
  const height = strong ? 20 : 17;
  const width = Math.max(height, Math.ceil(context.measureText(text).width) + 10);
  const x = Math.round(clamp(anchorX - width / 2, 2, viewport.width - width - 2));
  const y = Math.round(clamp(anchorY - height - 3, 2, viewport.height - height - 2));
  pill(context, { x, y, width, height, fill: color, line: strong ? "#ffffff" : "rgba(255, 255, 255, 0.85)" });
  context.fillStyle = inkOn(color);
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(text, x + width / 2, y + height / 2 + 0.75);
  context.restore();
}

function pill(context, { x, y, width, height, fill, line }) {
  context.beginPath();
  context.roundRect(x, y, width, height, Math.min(6, height / 2));
  context.strokeStyle = "rgba(10, 14, 20, 0.55)";
  context.lineWidth = 3.5;
  context.stroke();
  context.fillStyle = fill;
  context.fill();
  context.strokeStyle = line;
  context.lineWidth = 1.25;
  context.stroke();
}

const clamp = (value, low, high) => Math.max(low, Math.min(high, value));

/** A click's point: plus on blue or minus on orange, in a white ring; `pending` until its answer is there. */
export function paintPoint({ context, viewport, ratio }, { x, y, label, pending }, { hovered = false, erase = false } = {}) {
  const at = viewport.toScreen({ x: x + 0.5, y: y + 0.5 });
  const radius = hovered ? 9 : 7.5;
  context.save();
  context.scale(ratio, ratio);
  context.translate(at.x, at.y);
  context.beginPath();
  context.arc(0, 0, radius + 2.75, 0, 2 * Math.PI);
  context.fillStyle = "rgba(10, 14, 20, 0.5)";
  context.fill();
  context.beginPath();
  context.arc(0, 0, radius + 1.75, 0, 2 * Math.PI);
  context.fillStyle = "#ffffff";
  context.fill();
  context.beginPath();
  context.arc(0, 0, radius, 0, 2 * Math.PI);
  context.fillStyle = label ? FOREGROUND : BACKGROUND;
  context.globalAlpha = pending ? 0.55 : 1;
  context.fill();
  context.globalAlpha = 1;
  context.strokeStyle = "#ffffff";
  context.lineWidth = 2.25;
  context.lineCap = "round";
  const arm = radius - 3.25;
  context.beginPath();
  if (erase) {
    context.moveTo(-arm * 0.75, -arm * 0.75);
    context.lineTo(arm * 0.75, arm * 0.75);
    context.moveTo(-arm * 0.75, arm * 0.75);
    context.lineTo(arm * 0.75, -arm * 0.75);
  } else {
    context.moveTo(-arm, 0);
    context.lineTo(arm, 0);
    if (label) {
      context.moveTo(0, -arm);
      context.lineTo(0, arm);
    }
  }
  context.stroke();
  context.restore();
}

/** The prompt's box; the pixels of both its corners lie inside. `live` while it is being drawn: with its size. */
export function paintBox({ context, viewport, ratio }, { x0, y0, x1, y1 }, { live = false, receded = false } = {}) {
  const from = viewport.toScreen({ x: x0, y: y0 });
  const to = viewport.toScreen({ x: x1 + 1, y: y1 + 1 });
  const x = Math.round(from.x * ratio) / ratio;
  const y = Math.round(from.y * ratio) / ratio;
  const width = Math.round(to.x * ratio) / ratio - x;
  const height = Math.round(to.y * ratio) / ratio - y;
  context.save();
  context.scale(ratio, ratio);
  context.globalAlpha = receded ? 0.35 : 1;
  context.lineJoin = "round";
  if (live) {
    context.fillStyle = "rgba(255, 255, 255, 0.1)";
    context.fillRect(x, y, width, height);
  }
  for (const [color, line] of [["rgba(10, 14, 20, 0.7)", 4], ["#ffffff", 2]]) {
    context.strokeStyle = color;
    context.lineWidth = line;
    context.strokeRect(x, y, width, height);
  }
  context.strokeStyle = FOREGROUND;
  context.lineWidth = 2;
  context.setLineDash([7, 6]);
  context.strokeRect(x, y, width, height);
  context.setLineDash([]);
  if (live) {
    const text = `${x1 - x0 + 1} × ${y1 - y0 + 1}`;
    context.font = `600 12px ${FONT}`;
    const wide = Math.ceil(context.measureText(text).width) + 14;
    const left = Math.round(clamp(x + width - wide, 4, viewport.width - wide - 4));
    const below = y + height + 8;
    const top = Math.round(below + 26 > viewport.height ? Math.max(4, y + height - 30) : below);
    pill(context, { x: left, y: top, width: wide, height: 21, fill: "#10151c", line: "rgba(255, 255, 255, 0.7)" });
    context.fillStyle = "#ffffff";
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(text, left + wide / 2, top + 11);
  }
  context.restore();
}

/** Two hair lines through the pointer, over the picture alone and free around the pointer itself. */
export function paintCrosshair({ context, viewport, ratio }, { x, y }) {
  const left = Math.max(0, viewport.x);
  const top = Math.max(0, viewport.y);
  const right = Math.min(viewport.width, viewport.x + viewport.imageWidth * viewport.scale);
  const bottom = Math.min(viewport.height, viewport.y + viewport.imageHeight * viewport.scale);
  const free = 14;
  const [column, row] = [x, y].map((place) => (Math.floor(place * ratio) + 0.5) / ratio);
  context.save();
  context.scale(ratio, ratio);
  context.beginPath();
  for (const [from, to] of [[left, column - free], [column + free, right]]) {
    if (to > from) {
      context.moveTo(from, row);
      context.lineTo(to, row);
    }
  }
  for (const [from, to] of [[top, row - free], [row + free, bottom]]) {
    if (to > from) {
      context.moveTo(column, from);
      context.lineTo(column, to);
    }
  }
  context.lineWidth = 1 / ratio;
  context.strokeStyle = "rgba(10, 14, 20, 0.4)";
  context.stroke();
  context.setLineDash([4, 4]);
  context.strokeStyle = "rgba(255, 255, 255, 0.65)";
  context.stroke();
  context.restore();
}
