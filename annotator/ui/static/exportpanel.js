/** The form of an export: a format, and choices that mean the same in all of them. */

import { createCategoryChoice } from "./categorychoice.js";
import { h, setAttribute, setText } from "./dom.js";
import { createSnippet } from "./snippet.js";
import { createSplitBar } from "./splitbar.js";

/** Choices that only some formats take, by the word that such a format says. */
const SPECIAL = { polygons: "polygons", polygon_tolerance: "tolerance" };

/**
 * @param {object} known
 * @param {object[]} known.formats {name, title, summary, snippet, takes}
 * @param {object[]} known.categories
 * @param {object[]} known.images
 * @param {{format?: string, options?: object}} before what was chosen last time
 * @param {() => void} onChange
 */
export function createExportPanel({ formats, categories, images }, before, onChange) {
  const last = before.options ?? {};
  const chosen = formats.some((format) => format.name === before.format) ? before.format : formats[0]?.name;
  const done = images.filter((image) => image.status === "done" || image.status === "accepted").length;
  const problems = {};

  /** Where the words about a field that cannot be so stand: right under it. */
  function problem(name) {
    problems[name] = h("p", { class: "field-problem", id: `export-problem-${name}`, role: "alert", hidden: true });
    return problems[name];
  }

  const cards = formats.map((format) => {
    const input = h("input", { type: "radio", name: "format", value: format.name, checked: format.name === chosen, autofocus: format.name === chosen });
    return h("label", { class: "format-card" }, input, h("strong", {}, format.title), h("small", {}, format.summary));
  });
  const copies = radio("pictures", { copy: ["Put the pictures in", "upright, beside the labels"], none: ["Leave the pictures out", "labels alone"] }, last.pictures === "none" ? "none" : "copy");
  const onlyDone = checkbox("only_done", "Only finished pictures", `${done.toLocaleString("en")} of ${images.length.toLocaleString("en")} are marked done or accepted`, last.only_done ?? false);
  const choice = createCategoryChoice(categories, last.categories ?? null, onChange);
  const smallest = number("smallest_area", "Leave out masks under", "pixels in area", { value: last.smallest_area ?? 0, step: "1" });
  const polygons = checkbox("polygons", "Polygons in place of RLE", "less exact; holes hang on a cut", last.polygons ?? false);
  const tolerance = number("polygon_tolerance", "Polygons may stray by", "pixels", { value: last.polygon_tolerance ?? 1, step: "any" });
  const splits = checkbox("split", "Split into train, val and test", "a picture never changes its part", Boolean(last.split));
  const shares = createSplitBar({ train: 0.8, val: 0.1, test: 0.1, ...last.split }, onChange);
  const seed = number("seed", "Seed", "another seed is another split", { value: last.split?.seed ?? 0, step: "1" });
  const stratify = checkbox("stratify", "Every category in each part", "stratified, as far as that goes", last.split?.stratify ?? false);
  const splitMore = h("div", { class: "split-more" }, shares.element, problem("split"), seed.row, problem("seed"), stratify.row);
  const snippet = createSnippet({ id: "export-snippet" });
  const snippetWords = h("span", {});

  const element = h(
    "form",
    { class: "form export-form", method: "dialog", novalidate: true },
    h("fieldset", { class: "formats", id: "export-format" }, h("legend", { class: "visually-hidden" }, "Format"), ...cards),
    h(
      "div",
      { class: "export-options" },
      group("Pictures", copies.element, onlyDone.row, problem("only_done")),
      categories.length ? group("Categories", choice.element, problem("categories")) : null,
      group("Masks", smallest.row, problem("smallest_area"), polygons.row, tolerance.row, problem("polygon_tolerance")),
      group("Parts", splits.row, splitMore),
      h("details", { class: "group snippet-group" }, h("summary", {}, snippetWords), snippet.element),
    ),
  );

  const format = () => formats.find((one) => one.name === element.elements.format.value);
  const takes = (name) => !SPECIAL[name] || format().takes.includes(SPECIAL[name]);

  function enable() {
    const { title, snippet: text } = format();
    enabled(polygons, takes("polygons"));
    // where polygons are a choice, their tolerance goes with it
    enabled(tolerance, takes("polygon_tolerance") && (!takes("polygons") || polygons.input.checked));
    splitMore.hidden = !splits.input.checked;
    setText(snippetWords, `Load it in Python: ${title}`);
    snippet.show(text);
  }

  function changed() {
    enable();
    onChange();
  }

  /** @returns {{format: string, options: object, problems: Record<string, string>}} */
  function read() {
    const found = {};
    const options = {
      pictures: element.elements.pictures.value,
      only_done: onlyDone.input.checked,
      categories: choice.isAll() ? [] : choice.read(),
      smallest_area: smallest.input.valueAsNumber,
      polygons: polygons.input.checked && takes("polygons"),
      polygon_tolerance: tolerance.input.valueAsNumber,
      split: splits.input.checked ? { ...shares.read(), seed: seed.input.valueAsNumber, stratify: stratify.input.checked } : null,
    };
    if (!isCount(options.smallest_area)) found.smallest_area = "Give a whole number of pixels, 0 or more.";
    if (!(options.polygon_tolerance >= 0)) {
      if (tolerance.input.disabled) options.polygon_tolerance = 1;
      else found.polygon_tolerance = "Give a number of pixels, 0 or more.";
    }
    if (!choice.isAll() && options.categories.length === 0) found.categories = "Tick at least one category.";
    if (options.split && !shares.read()) found.split = "Give three shares of 0 or more, at least one of them above 0.";
    if (options.split && !Number.isSafeInteger(options.split.seed)) found.seed = "Give a whole number.";
    return { format: format().name, options, problems: found };
  }

  function showProblems(found) {
    for (const [name, place] of Object.entries(problems)) {
      setText(place, found[name] ?? "");
      place.hidden = !found[name];
    }
    const marked = { smallest_area: [smallest.input], polygon_tolerance: [tolerance.input], split: shares.inputs, seed: [seed.input] };
    for (const [name, inputs] of Object.entries(marked)) for (const input of inputs) setAttribute(input, "aria-invalid", found[name] ? "true" : null);
  }

  element.addEventListener("change", changed);
  element.addEventListener("input", (event) => event.target.type === "number" && onChange());
  enable();
  return {
    element,
    read,
    showProblems,
    hasPlaceFor: (name) => name in problems,
    /** The first field that something is wrong with gets the focus. */
    focusProblem: () => element.querySelector(".field-problem:not([hidden])")?.closest(".group")?.querySelector("[aria-invalid], input:not(:disabled)")?.focus(),
    /** @param {{images: number, counts: Record<string, number>}} preview */
    showPreview(preview) {
      choice.showCounts(preview.counts);
      shares.showImages(preview.images);
    },
  };
}

const isCount = (value) => Number.isSafeInteger(value) && value >= 0;

function group(title, ...children) {
  return h("fieldset", { class: "group" }, h("legend", {}, title), ...children);
}

function enabled({ input, row }, on) {
  input.disabled = !on;
  row.classList.toggle("disabled", !on);
}

const idOf = (name) => `export-${name.replaceAll("_", "-")}`;

function checkbox(name, text, more, checked) {
  const input = h("input", { type: "checkbox", name, id: idOf(name), checked });
  return { input, row: h("label", { class: "form-check" }, input, h("span", {}, text), h("small", {}, more)) };
}

function number(name, text, unit, { value, step }) {
  const input = h("input", { id: idOf(name), class: "field short", type: "number", name, min: "0", step, value, "aria-describedby": `export-problem-${name}` });
  return { input, row: h("label", { class: "form-number" }, h("span", {}, text), input, h("small", {}, unit)) };
}

function radio(name, words, chosen) {
  const rows = Object.entries(words).map(([value, [text, more]]) =>
    h("label", { class: "form-check" }, h("input", { type: "radio", name, value, id: `${idOf(name)}-${value}`, checked: value === chosen }), h("span", {}, text), h("small", {}, more)),
  );
  return { element: h("div", { class: "form-radios" }, ...rows) };
}
