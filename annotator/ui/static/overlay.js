/** One picture with the masks of two labelers over each other, in two colours. */

import { h, setText } from "./dom.js";
import { ShapeCache } from "./masks.js";
import { paintShape } from "./painting.js";

const COLORS = ["#2f7bf6", "#f76707"];
const DARK = "rgba(10, 14, 20, 0.75)"; // under each line, so that it shows on any picture
const LARGEST = 4; // pixels of the window for one of a small picture

/** @param {{go: (imageId: number) => void}} parts */
export function createOverlay({ go }) {
  const shapes = new ShapeCache(16 * 1024 * 1024);
  const picture = h("img", { class: "overlay-picture", alt: "", draggable: "false" });
  const canvas = h("canvas", { id: "overlay", class: "overlay-canvas", role: "img" });
  const frame = h("div", { class: "overlay-frame" }, picture, canvas);
  const place = h("div", { class: "overlay-place" }, frame);
  const name = h("button", { type: "button", class: "button link small", id: "overlay-open" });
  const legend = [0, 1].map((side) => {
    const box = h("input", { type: "checkbox", checked: true, id: `overlay-side-${side + 1}` });
    const words = h("span", { class: "overlay-words" });
    box.addEventListener("change", paint);
    return { box, words, element: h("label", { class: "overlay-legend", style: { "--color": COLORS[side] } }, box, h("span", { class: "swatch small" }), words) };
  });
  const note = h("span", { class: "card-note" }, "dashed: without a partner");
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const element = h("div", { class: "overlay" }, h("div", { class: "overlay-head" }, ...legend.map((one) => one.element), note, h("span", { class: "spacer" }), name), problem, place);
  let shown = null;

  name.addEventListener("click", () => shown && go(shown.image.id));
  new ResizeObserver(paint).observe(place);

  function paint() {
    if (!shown || !place.clientWidth) return;
    const { width, height } = shown.image;
    const scale = Math.min(place.clientWidth / width, place.clientHeight / height, LARGEST);
    const ratio = window.devicePixelRatio;
    frame.style.width = `${width * scale}px`;
    frame.style.height = `${height * scale}px`;
    canvas.width = Math.round(width * scale * ratio);
    canvas.height = Math.round(height * scale * ratio);
    const viewport = { x: 0, y: 0, scale, imageWidth: width, imageHeight: height };
    const surface = { context: canvas.getContext("2d"), viewport, ratio };
    shown.sides.forEach((side, place) => {
      if (!legend[place].box.checked) return;
      for (const one of side.instances) {
        const dash = one.iou === null ? [6, 4] : null;
        paintShape(surface, shapes.get(one.rle), { fill: COLORS[place], alpha: 0.28, lines: [[DARK, 3.5, dash], [COLORS[place], 2, dash]] });
      }
    });
  }

  return {
    element,
    /** @param {object} found as the call class_overlay gives it */
    async show(found) {
      const next = new Image();
      next.src = new URL(found.image.url, document.baseURI).href;
      await next.decode();
      picture.src = next.src;
      shown = found;
      problem.hidden = true;
      setText(name, `Open ${found.image.name}`);
      found.sides.forEach((side, place) => setText(legend[place].words, `${side.labeler} (${side.instances.length})`));
      canvas.setAttribute("aria-label", `${found.image.name}: ${found.sides.map((side) => `${side.instances.length} of ${side.labeler}`).join(", ")}`);
      canvas.dataset.imageId = found.image.id;
      paint();
    },
    fail(text) {
      problem.hidden = false;
      setText(problem, text);
    },
  };
}
