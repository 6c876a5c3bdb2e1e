/** Two versions of an instance over each other on a small picture: mine with a line, theirs with a broken one. */

import { h } from "./dom.js";
import { ShapeCache } from "./masks.js";

const WIDTH = 400;
const HEIGHT = 260;
const MARGIN = 0.15; // of the box of both, around it
const LEAST_SIDE = 48; // pixels of the mask that are shown at least
const shapes = new ShapeCache(8 * 1024 * 1024);

/**
 * @param {{url: string}} image
 * @param {{rle: object, deleted: boolean, color: string, dashed: boolean}[]} sides
 * @param {string} words what is seen, for who cannot
 * @returns {HTMLElement}
 */
export function versionsPicture(image, sides, words) {
  const canvas = h("canvas", { class: "versions-picture", role: "img", "aria-label": words, width: 2 * WIDTH, height: 2 * HEIGHT });
  const picture = new Image();
  picture.src = new URL(image.url, document.baseURI).href;
  picture
    .decode()
    .catch(() => undefined) // without the picture the outlines still say what differs
    .then(() => paint(canvas, picture, sides));
  return canvas;
}

function paint(canvas, picture, sides) {
  const shown = sides.map((side) => ({ ...side, shape: shapes.get(side.rle) }));
  const { width, height } = shown[0].shape.size;
  const part = around(shown.map(({ shape }) => shape.bbox), width, height, canvas.width / canvas.height);
  const scale = canvas.width / part.width;
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, -part.x * scale, -part.y * scale);
  if (picture.naturalWidth) context.drawImage(picture, 0, 0, width, height);
  for (const { shape, color, dashed, deleted } of shown) {
    if (deleted) continue;
    context.fillStyle = context.strokeStyle = color;
    context.globalAlpha = 0.28;
    if (shape.raster) {
      const [x, y] = shape.bbox;
      context.drawImage(shape.tint(color, false), x, y);
      context.globalAlpha = 1;
      context.drawImage(shape.tint(color, true), x, y);
      continue;
    }
    const path = shape.path(false);
    context.fill(path, "evenodd");
    context.globalAlpha = 1;
    context.lineJoin = "round";
    context.setLineDash([]);
    context.lineWidth = 6 / scale;
    context.strokeStyle = "rgb(0 0 0 / 55%)";
    context.stroke(path);
    context.strokeStyle = color;
    context.lineWidth = 3.5 / scale;
    if (dashed) context.setLineDash([10 / scale, 7 / scale]);
    context.stroke(path);
  }
}

/** The part of the picture that has both, in the shape of the canvas; it may reach beyond the picture's edge. */
function around(boxes, width, height, ratio) {
  const there = boxes.filter(([, , across, down]) => across && down);
  const left = Math.min(width, ...there.map(([x]) => x));
  const top = Math.min(height, ...there.map(([, y]) => y));
  const right = Math.max(0, ...there.map(([x, , across]) => x + across));
  const bottom = Math.max(0, ...there.map(([, y, , down]) => y + down));
  const [across, down] = there.length ? [right - left, bottom - top] : [width, height];
  const side = Math.max(LEAST_SIDE, across * (1 + 2 * MARGIN), down * (1 + 2 * MARGIN) * ratio);
  const middle = there.length ? [(left + right) / 2, (top + bottom) / 2] : [width / 2, height / 2];
  const fit = (centre, size, whole) => (size >= whole ? (whole - size) / 2 : Math.min(Math.max(0, centre - size / 2), whole - size));
  return { x: fit(middle[0], side, width), y: fit(middle[1], side / ratio, height), width: side };
}
