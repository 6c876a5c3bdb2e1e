/** Three shares of the pictures: a field for each, and a bar that shows what they come to. */

import { h, setText } from "./dom.js";
import { count } from "./format.js";

export const SPLITS = ["train", "val", "test"];

/**
 * @param {{train: number, val: number, test: number}} shares 0..1
 * @param {() => void} onInput
 * @returns {{element: HTMLElement, inputs: HTMLInputElement[], read: () => object|null, showImages: (images: number|null) => void}}
 *   `read` gives the shares as typed, null where they are none
 */
export function createSplitBar(shares, onInput) {
  const inputs = SPLITS.map((name) =>
    h("input", { id: `export-split-${name}`, class: "field short", type: "number", min: "0", max: "1000", step: "any", value: Math.round(shares[name] * 1000) / 10, "aria-describedby": "export-problem-split" }),
  );
  const parts = SPLITS.map((name) => h("div", { class: `split-part split-${name}` }));
  const words = SPLITS.map(() => h("output", { class: "split-words" }));
  const bar = h("div", { class: "split-bar", "aria-hidden": "true" }, ...parts); // the fields below say the same
  const rows = SPLITS.map((name, place) =>
    h("label", { class: "split-share" }, h("span", { class: `split-name split-${name}` }, name), inputs[place], h("small", {}, "%"), words[place]),
  );
  const element = h("div", { class: "split" }, bar, h("div", { class: "split-shares" }, ...rows));
  let images = null;

  function read() {
    const values = inputs.map((input) => (input.value.trim() === "" ? NaN : Number(input.value)));
    const sum = values.reduce((all, value) => all + value, 0);
    if (!values.every((value) => value >= 0) || !(sum > 0) || sum === Infinity) return null;
    return Object.fromEntries(SPLITS.map((name, place) => [name, values[place] / 100]));
  }

  function show() {
    const now = read();
    const sum = now ? SPLITS.reduce((all, name) => all + now[name], 0) : 1;
    element.classList.toggle("unknown", now === null);
    SPLITS.forEach((name, place) => {
      const part = now ? now[name] / sum : 0;
      parts[place].style.flexGrow = String(part);
      setText(parts[place], part >= 0.08 ? `${name} ${Math.round(part * 100)} %` : "");
      setText(words[place], now && images !== null ? `about ${count(Math.round(images * part), "picture")}` : "");
    });
  }

  for (const input of inputs) {
    input.addEventListener("input", () => {
      show();
      onInput();
    });
  }
  show();
  return {
    element,
    inputs,
    read,
    showImages(number) {
      images = number;
      show();
    },
  };
}
