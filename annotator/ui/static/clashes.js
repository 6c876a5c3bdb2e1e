/** Somebody else changed an instance meanwhile: both versions are shown, and the labeler says which one it is to be. */

import { button, openDialog } from "./dialog.js";
import { h } from "./dom.js";
import { when } from "./format.js";
import { categoryOf } from "./store.js";
import { versionsPicture } from "./versions.js";

const MINE = "#2f7bff";
const THEIRS = "#ff9f1c";
const MOST_SHOWN = 4;
const STEPS_BACK = ["undo", "redo"];

/**
 * @param {object} parts
 * @param {HTMLElement} parts.root
 * @param {import("./store.js").Store} parts.store
 * @param {ReturnType<import("./queue.js").createQueue>} parts.queue
 * @returns {{ask: (imageId: number, action: object, clashes: object[]) => void}}
 */
export function createClashes({ root, store, queue }) {
  const { state } = store;
  let last = Promise.resolve(); // one after the other: a dialog closes the one before it

  function ask(imageId, action, clashes) {
    last = last.then(() => show(imageId, action, clashes));
  }

  function show(imageId, action, clashes) {
    return new Promise((resolve) => {
      const image = state.images.find((one) => one.id === imageId);
      if (!image || clashes.length === 0) return resolve();
      const decide = (what) => () => {
        what(imageId, action, clashes);
        dialog.close();
      };
      const dialog = openDialog(root, {
        id: "clash",
        title: `Changed meanwhile · ${image.name}`,
        className: "clash",
        body: [
          h("p", {}, `${told(clashes)} Nothing of yours was saved over it.`),
          ...clashes.slice(0, MOST_SHOWN).map((clash) => versions(image, clash)),
          clashes.length > MOST_SHOWN && h("p", { class: "panel-note" }, `And ${clashes.length - MOST_SHOWN} more.`),
        ].filter(Boolean),
        actions: [
          button("Take theirs", decide(takeTheirs), { id: "take-theirs" }),
          button("Keep mine", decide(keepMine), { kind: "primary", id: "keep-mine" }),
        ],
        onClose: resolve,
      });
    });
  }

  const told = (clashes) =>
    clashes.length === 1
      ? `${who(clashes[0])} changed this instance while you were at it.`
      : `${clashes.length} instances were changed while you were at them.`;

  function who({ labeler }) {
    if (labeler === state.person.name) return "You, in another window,";
    return labeler || "Somebody";
  }

  function versions(image, { mine, theirs, ...clash }) {
    const by = clash.labeler === state.person.name ? "by you, in another window" : `by ${clash.labeler || "somebody"}`;
    const sides = [
      { ...mine, color: MINE, dashed: false },
      { ...theirs, color: THEIRS, dashed: true },
    ];
    const words = `Yours: ${describe(mine)}. Theirs: ${describe(theirs)}.`;
    return h(
      "figure",
      { class: "versions" },
      versionsPicture(image, sides, words),
      h(
        "figcaption",
        {},
        side("mine", "Yours", mine, "not saved"),
        side("theirs", "Theirs", theirs, [by, clash.at && when(clash.at)].filter(Boolean).join(", ")),
      ),
    );
  }

  function side(name, title, one, note) {
    const category = categoryOf(state, one.category_id);
    return h(
      "div",
      { class: `version version-${name}` },
      h("span", { class: "version-line" }),
      h("strong", {}, title),
      h("span", { class: "version-what" }, !one.deleted && h("span", { class: "swatch small", style: { "--color": category?.color ?? "#888888" } }), describe(one)),
      h("small", {}, note),
    );
  }

  const describe = (one) => (one.deleted ? "deleted" : (categoryOf(state, one.category_id)?.name ?? "a category that is gone"));

  /** The same again, by who has seen what it puts aside. */
  function keepMine(imageId, { op_id: _, strict: __, ...action }, clashes) {
    const seen = Object.fromEntries(clashes.map((clash) => [clash.instance_id, clash.version]));
    queue.push(imageId, { ...action, seen: { ...action.seen, ...seen } });
  }

  /** What was shown is what stands. An edit ends; of a step that is undone, these instances are left as they are. */
  function takeTheirs(imageId, { kind }, clashes) {
    if (kind === "commit") queue.push(imageId, { kind: "clear" });
    else if (STEPS_BACK.includes(kind)) queue.push(imageId, { kind, leave: clashes.map((clash) => clash.instance_id) });
  }

  return { ask };
}
