/** A candidate as a small picture: the part of the picture around the masks, the mask itself tinted. */

import { ShapeCache } from "./masks.js";

const AROUND = 0.18; // of the box's longer side is left free around it
const LEAST = 24; // pixels of the display picture that are shown at least
const NEAREST = 0.5; // how much narrower the frame of a small candidate may be than the one that holds all three

const shapes = new ShapeCache(16 * 1024 * 1024);

/** @param {string} url @returns {Promise<HTMLImageElement>} decoded; the browser has it from the canvas already */
export async function loadPicture(url) {
  const picture = new Image();
  picture.src = url;
  await picture.decode();
  return picture;
}

/**
 * The part of the picture to show for each candidate: around its mask, but never so near that its size beside the
 * others' could not be told.
 *
 * @param {object[]} rles of the candidates of one answer
 * @param {number} proportion width / height of the frame
 * @returns {[number, number, number, number][]} x, y, width, height in pixels of the display picture; may reach beyond it
 */
export function framesOf(rles, proportion) {
  const boxes = rles.map((rle) => shapes.get(rle).bbox);
  const [height, width] = rles[0].size;
  const [, , widest] = frameAround(boxes, width, height, proportion, LEAST);
  return boxes.map((box) => frameAround([box], width, height, proportion, NEAREST * widest));
}

function frameAround(boxes, width, height, proportion, least) {
  const filled = boxes.filter(([, , across]) => across > 0);
  const left = Math.min(width, ...filled.map(([x]) => x));
  const top = Math.min(height, ...filled.map(([, y]) => y));
  const right = Math.max(0, ...filled.map(([x, , across]) => x + across));
  const bottom = Math.max(0, ...filled.map(([, y, , down]) => y + down));
  if (right <= left) return [0, 0, width, height];
  const room = 2 * AROUND * Math.max(right - left, bottom - top);
  let across = Math.max(least, right - left + room);
  let down = Math.max(least / proportion, bottom - top + room);
  if (across / down > proportion) down = across / proportion;
  else across = down * proportion;
  const within = (start, size, whole) => (size >= whole ? (whole - size) / 2 : Math.min(Math.max(0, start), whole - size));
  return [
    within((left + right - across) / 2, across, width),
    within((top + bottom - down) / 2, down, height),
    across,
    down,
  ];
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {HTMLImageElement} picture of the same size as the masks, or of the same proportions
 * @param {object} rle
 * @param {[number, number, number, number]} frame
 * @param {string} color
 */
export function drawCutout(canvas, picture, rle, frame, color) {
  const ratio = window.devicePixelRatio || 1;
  const width = Math.round(canvas.clientWidth * ratio);
  const height = Math.round(canvas.clientHeight * ratio);
  if (!width || !height) return;
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, width, height);
  const [x, y, across] = frame;
  const scale = width / across;
  context.setTransform(scale, 0, 0, scale, -x * scale, -y * scale);
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, 0, 0, rle.size[1], rle.size[0]);
  context.fillStyle = "rgb(10 14 20 / 0.45)"; // what is not in the mask steps back
  context.fillRect(0, 0, rle.size[1], rle.size[0]);
  const shape = shapes.get(rle);
  if (!shape.area) return;
  if (shape.raster) return drawRaster(context, shape, color);
  const path = shape.path(false);
  context.save();
  context.clip(path, "evenodd");
  context.drawImage(picture, 0, 0, rle.size[1], rle.size[0]);
  context.restore();
  context.globalAlpha = 0.38;
  context.fillStyle = color;
  context.fill(path, "evenodd");
  context.globalAlpha = 1;
  context.lineJoin = "round";
  context.lineWidth = (1.5 * ratio) / scale;
  context.strokeStyle = color;
  context.stroke(path);
}

function drawRaster(context, shape, color) {
  const [left, top] = shape.bbox;
  context.globalAlpha = 0.5;
  context.drawImage(shape.tint(color, false), left, top);
  context.globalAlpha = 1;
}
