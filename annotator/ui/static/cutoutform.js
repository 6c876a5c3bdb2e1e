/** What can be chosen about a cut-out: instances, background, edge, size. */

import { button } from "./dialog.js";
import { h, setText } from "./dom.js";
import { count } from "./format.js";
import { categoryOf } from "./store.js";
import { upload } from "./upload.js";

const CROPPED = "crop";
const WHOLE = "full";
const DEFAULTS = { background: "transparent", colour: "#1f9d55", blur: 15, soft_edge: 3, clean_edge: true, size: CROPPED, margin: 0 };

/**
 * @param {object} given
 * @param {any} given.state of the store
 * @param {object} given.choices as the server gave them: image, instances, sizes, presets
 * @param {number[]} given.chosen ids of the instances that are cut out
 * @param {object|null} given.before the options of the last time
 * @param {() => void} given.onChange
 * @param {(text: string) => void} given.onProblem
 */
export function createCutoutForm({ state, choices, chosen, before, onChange, onProblem }) {
  const last = { ...DEFAULTS, ...before };
  let uploaded = null; // {path, name} of a picture that was sent for the background
  const form = h("form", { id: "cutout-form", class: "form cutout-form" });

  // instances

  const boxes = choices.instances.map((instance) => {
    const category = categoryOf(state, instance.category_id);
    const box = h("input", { type: "checkbox", name: "instance", value: instance.id, checked: chosen.includes(instance.id) });
    return h(
      "label",
      { class: "cutout-instance" },
      box,
      h("span", { class: "swatch small", style: { "--color": category?.color ?? "transparent" } }),
      h("span", { class: "cutout-name" }, category?.name ?? "?"),
      h("span", { class: "cutout-number" }, String(instance.number)),
    );
  });
  const picked = () => boxes.map((label) => label.firstElementChild).filter((box) => box.checked).map((box) => Number(box.value));

  // background

  const presets = Object.entries(choices.presets);
  const kinds = [["transparent", "None"], ...presets.map(([name]) => [name, capital(name)]), ["colour", "Colour"], ["blur", "Blurred"], ["picture", "Picture"]];
  const current = kinds.some(([name]) => name === last.background) ? last.background : "transparent";
  const tile = ([name, text]) => {
    const color = choices.presets[name];
    return h(
      "label",
      { class: "cutout-tile", id: `cutout-background-${name}` },
      h("input", { type: "radio", name: "background", value: name, checked: name === current, class: "visually-hidden", autofocus: name === current }),
      h("span", { class: `cutout-swatch of-${name}`, style: color ? { "--color": color } : {} }),
      text,
    );
  };
  const colour = h("input", { id: "cutout-colour", class: "field color", type: "color", name: "colour", value: last.colour });
  const colourRow = row("Colour", colour);
  const blur = slider({ id: "cutout-blur", name: "blur", min: 1, max: 100, step: 1, value: last.blur, words: (value) => String(value) });
  const blurRow = row("Strength", blur.element);
  const picture = h(
    "select",
    { id: "cutout-picture", class: "select", name: "picture" },
    ...state.images.map((image) => h("option", { value: image.id }, image.name)),
  );
  const other = state.images.find((image) => image.id !== choices.image.id);
  if (other) picture.value = String(other.id);
  const file = h("input", { id: "cutout-upload", type: "file", accept: "image/*,.tif,.tiff", class: "visually-hidden", tabindex: "-1", "aria-hidden": "true" });
  const pictureRow = h("div", { class: "cutout-row" }, h("label", { for: "cutout-picture" }, "Picture"), h("div", { class: "cutout-pair" }, picture, button("Upload…", () => file.click()), file));
  file.addEventListener("change", async () => {
    const [given] = file.files;
    file.value = "";
    if (!given) return;
    try {
      const { path } = await upload(given);
      uploaded = { path, name: given.name };
      picture.querySelector("[value=upload]")?.remove();
      picture.prepend(h("option", { value: "upload" }, given.name));
      picture.value = "upload";
      onChange();
    } catch (error) {
      onProblem(`${given.name} could not be sent: ${error.message ?? error} Choose it again.`);
    }
  });

  // edge

  const soft = slider({ id: "cutout-soft", name: "soft_edge", min: 0, max: 20, step: 0.5, value: last.soft_edge, words: (value) => `${value} px` });
  const clean = h("input", { id: "cutout-clean", type: "checkbox", name: "clean_edge", checked: last.clean_edge });
  const cleanRow = h("label", { class: "cutout-check" }, clean, h("span", {}, "Take the old background out of its colours"));

  // size

  const size = h(
    "select",
    { id: "cutout-size", class: "select", name: "size" },
    h("option", { value: CROPPED }, "Cropped to the object"),
    h("option", { value: WHOLE }, "As large as the picture"),
    ...choices.sizes.map((one) => h("option", { value: one.name }, `Photo ${one.title}, 300 dpi`)),
  );
  size.value = [CROPPED, WHOLE, ...choices.sizes.map((one) => one.name)].includes(last.size) ? last.size : CROPPED;
  const margin = h("input", { id: "cutout-margin", class: "field short", type: "number", name: "margin", min: 0, max: 4096, step: 1, value: last.margin });
  const marginRow = row("Margin", h("span", { class: "cutout-unit" }, margin, h("small", {}, "pixels")));
  const percent = (value) => `${value > 0 ? "+" : ""}${Math.round(value)} %`;
  const zoom = slider({ id: "cutout-zoom", name: "zoom", min: 50, max: 200, step: 1, value: 100, words: (value) => `${value} %` });
  const across = slider({ id: "cutout-shift-x", name: "shift_x", min: -50, max: 50, step: 1, value: 0, words: percent });
  const down = slider({ id: "cutout-shift-y", name: "shift_y", min: -50, max: 50, step: 1, value: 0, words: percent });
  const photoRows = [row("Zoom", zoom.element), row("Right", across.element), row("Down", down.element)];

  form.append(
    h(
      "fieldset",
      { class: "cutout-part" },
      h("legend", {}, choices.instances.length === 1 ? "Instance" : "Instances, joined"),
      h("div", { class: "cutout-instances" }, ...boxes),
    ),
    h("fieldset", { class: "cutout-part" }, h("legend", {}, "Background"), h("div", { class: "cutout-tiles" }, ...kinds.map(tile)), colourRow, blurRow, pictureRow),
    h("fieldset", { class: "cutout-part" }, h("legend", {}, "Edge"), row("Soft", soft.element), cleanRow),
    h("fieldset", { class: "cutout-part" }, h("legend", {}, "Size"), size, marginRow, ...photoRows),
  );

  function enable() {
    const background = form.elements.background.value;
    colourRow.hidden = background !== "colour";
    blurRow.hidden = background !== "blur";
    pictureRow.hidden = background !== "picture";
    marginRow.hidden = size.value !== CROPPED;
    for (const one of photoRows) one.hidden = [CROPPED, WHOLE].includes(size.value);
  }
  const changed = () => {
    enable();
    onChange();
  };
  form.addEventListener("input", (event) => event.target !== file && changed());
  form.addEventListener("submit", (event) => event.preventDefault());
  enable();

  /** As the server takes them. */
  function options() {
    const background = form.elements.background.value;
    const isPhoto = ![CROPPED, WHOLE].includes(size.value);
    const chosenPicture = picture.value === "upload" ? { upload: uploaded.path } : { picture_id: Number(picture.value) };
    return {
      background: background === "colour" ? colour.value : background,
      blur: blur.value(),
      ...(background === "picture" ? chosenPicture : {}),
      soft_edge: soft.value(),
      clean_edge: clean.checked,
      crop: size.value !== WHOLE,
      margin: Math.min(4096, Math.max(0, Math.round(Number(margin.value) || 0))),
      ...(isPhoto ? { size: size.value, zoom: zoom.value() / 100, shift_x: across.value() / 100, shift_y: down.value() / 100 } : {}),
    };
  }

  /** What to offer the next time; where a head is, is another one's then. */
  const lasting = () => ({
    background: form.elements.background.value, colour: colour.value, blur: blur.value(),
    soft_edge: soft.value(), clean_edge: clean.checked, size: size.value, margin: Number(margin.value) || 0,
  });

  return { element: form, picked, options, lasting };
}

/** What a zip can hold: [value, words, the server's selection]. */
export function zipChoices(state, { image, instances }, categoryId) {
  const category = categoryOf(state, categoryId);
  const all = state.images.reduce((sum, one) => sum + one.instances, 0);
  const each = (number) => count(number, "instance");
  return [
    ["picture", `This picture: ${each(instances.length)}`, { image_ids: [image.id] }],
    ...(category ? [["category", `${category.name}: ${each(category.instances)}`, { category_id: category.id }]] : []),
    ["all", `All: ${each(all)}`, {}],
  ];
}

function row(text, field) {
  return h("label", { class: "cutout-row" }, h("span", {}, text), field);
}

/** A range with its value in words beside it. */
function slider({ words, ...props }) {
  const input = h("input", { type: "range", class: "range", ...props });
  const said = h("output", { class: "cutout-value", for: props.id });
  const say = () => setText(said, words(Number(input.value)));
  input.addEventListener("input", say);
  say();
  return { element: h("span", { class: "cutout-slider" }, input, said), value: () => Number(input.value) };
}

const capital = (word) => word[0].toUpperCase() + word.slice(1);
