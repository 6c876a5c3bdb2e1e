/** Two pictures of one size, one over the other, with a divide that is dragged: before on its left, after on its right. */

import { h } from "./dom.js";

const LARGEST = 4; // pixels of the window for one of a small picture
const STEPS = { ArrowLeft: -2, ArrowDown: -2, ArrowRight: 2, ArrowUp: 2, PageDown: -10, PageUp: 10, Home: -100, End: 100 };

/**
 * @returns {{element: HTMLElement, show: (pictures: {before: string, after: string}) => Promise<void>, close: () => void}} the
 *   element fills what it is put into; `close` lets go of it
 */
export function createComparison() {
  const before = h("img", { class: "comparison-picture", alt: "Before", draggable: "false" });
  const after = h("img", { class: "comparison-picture comparison-after", alt: "After", draggable: "false" });
  const divide = h("div", {
    id: "cutout-divide", class: "comparison-divide", role: "slider", tabindex: "0", "aria-label": "Divide between before and after",
    "aria-valuemin": "0", "aria-valuemax": "100", "aria-orientation": "horizontal",
  });
  const frame = h(
    "div",
    { id: "cutout-comparison", class: "comparison-frame", hidden: true },
    before,
    after,
    h("span", { class: "comparison-word", "aria-hidden": "true" }, "Before"),
    h("span", { class: "comparison-word of-after", "aria-hidden": "true" }, "After"),
    divide,
  );
  const element = h("div", { class: "comparison" }, frame);
  let size = null; // of the pictures
  let share = 0; // of the frame that shows what was before, in percent

  function divideAt(percent) {
    share = Math.min(100, Math.max(0, percent));
    frame.style.setProperty("--divide", `${share}%`);
    divide.setAttribute("aria-valuenow", String(Math.round(share)));
    divide.setAttribute("aria-valuetext", `${Math.round(share)} % before, ${Math.round(100 - share)} % after`);
  }
  divideAt(50);

  function fit() {
    if (!size || !element.clientWidth) return;
    const scale = Math.min(element.clientWidth / size.width, element.clientHeight / size.height, LARGEST);
    frame.style.width = `${Math.round(size.width * scale)}px`;
    frame.style.height = `${Math.round(size.height * scale)}px`;
  }
  const watch = new ResizeObserver(fit);
  watch.observe(element);

  frame.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    frame.setPointerCapture(event.pointerId);
    follow(event);
    divide.focus({ preventScroll: true });
    event.preventDefault();
  });
  frame.addEventListener("pointermove", (event) => frame.hasPointerCapture(event.pointerId) && follow(event));
  function follow(event) {
    const { left, width } = frame.getBoundingClientRect();
    divideAt((100 * (event.clientX - left)) / width);
  }
  divide.addEventListener("keydown", (event) => {
    if (!(event.key in STEPS)) return;
    event.preventDefault();
    divideAt(share + STEPS[event.key]);
  });

  return {
    element,
    async show(pictures) {
      const [first, second] = await Promise.all([pictures.before, pictures.after].map(load));
      before.src = first.src;
      after.src = second.src;
      size = { width: second.naturalWidth, height: second.naturalHeight };
      frame.hidden = false;
      fit();
    },
    close: () => watch.disconnect(),
  };
}

/** Decoded before it is shown, or the frame would be empty for a moment. */
async function load(url) {
  const picture = new Image();
  picture.src = url;
  await picture.decode();
  return picture;
}
