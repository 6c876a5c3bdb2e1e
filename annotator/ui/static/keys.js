/** Every key and gesture, once: the page listens by this table, and the help dialog prints it. */

import { isTyping } from "./dom.js";

/**
 * @typedef {{keys: string[], what: string, run?: (actions: object, event: KeyboardEvent) => void, release?: (actions: object) => void,
 *   when?: (actions: object) => boolean, listed?: string[]}} Binding
 *   `keys` in the words of `chord`; `listed` where the help shows others; without `run` it is the canvas's own.
 * @type {{title: string, bindings: Binding[]}[]}
 */
export const KEYS = [
  {
    title: "Prompt",
    bindings: [
      { keys: ["Click"], what: "foreground point" },
      { keys: ["Right click", "Shift+Click"], what: "background point" },
      { keys: ["Drag"], what: "box" },
      { keys: ["Drag a point"], what: "move it" },
      { keys: ["Alt+Click a point"], what: "delete it" },
      { keys: ["Q"], what: "first candidate", run: (actions) => actions.choose(0) },
      { keys: ["W"], what: "second candidate", run: (actions) => actions.choose(1) },
      { keys: ["E"], what: "third candidate", run: (actions) => actions.choose(2) },
      { keys: ["Tab", "Shift+Tab"], what: "next, previous candidate", when: (actions) => actions.canCycle(), run: (actions, event) => actions.cycle(event.shiftKey ? -1 : 1) },
      { keys: ["Escape"], listed: ["Esc"], what: "clear the prompt, or select none", run: (actions) => actions.escape() },
    ],
  },
  {
    title: "Save",
    bindings: [
      { keys: [], listed: ["1 … 9"], what: "save with that category, or give it to what is selected" },
      { keys: ["Enter"], what: "save with the last category", run: (actions) => actions.commitLast() },
      { keys: ["N"], what: "add a category", run: (actions) => actions.focusAdd() },
      { keys: ["F2"], what: "rename the last category", run: (actions) => actions.renameLast() },
      { keys: ["Alt+ArrowUp", "Alt+ArrowDown"], listed: ["Alt+↑", "Alt+↓"], what: "move the last category up, down", run: (actions, event) => actions.moveLast(event.key === "ArrowUp" ? -1 : 1) },
      { keys: ["Ctrl+Z"], what: "undo", run: (actions) => actions.undo() },
      { keys: ["Ctrl+Shift+Z", "Ctrl+Y"], what: "redo", run: (actions) => actions.redo() },
    ],
  },
  {
    title: "Instances",
    bindings: [
      { keys: ["J", "ArrowDown"], listed: ["J", "↓"], what: "select the next", run: (actions) => actions.selectNeighbour(1) },
      { keys: ["K", "ArrowUp"], listed: ["K", "↑"], what: "select the previous", run: (actions) => actions.selectNeighbour(-1) },
      { keys: ["Z"], what: "select none", run: (actions) => actions.select(null) },
      { keys: ["S"], what: "edit the selected one", run: (actions) => actions.editSelected() },
      { keys: ["C"], what: "cut out the selected one, or all of the picture", run: (actions) => actions.cutOut() },
      { keys: ["X", "Delete"], what: "delete the selected one, or reject the selected proposals", run: (actions) => actions.deleteSelected() },
    ],
  },
  {
    title: "Proposals",
    bindings: [
      { keys: ["G"], what: "propose masks on this picture", run: (actions) => actions.propose() },
      { keys: ["P"], what: "show or hide them; hidden, a click is a point again", run: (actions) => actions.toggleProposals() },
      { keys: ["Click a proposal"], what: "select it" },
      { keys: ["Shift+Click a proposal", "Shift+Drag"], what: "select more" },
      { keys: ["Ctrl+A"], what: "select all that are shown", when: (actions) => actions.proposalsShown(), run: (actions) => actions.selectAllProposals() },
      { keys: [".", ","], what: "select the next, the previous", run: (actions, event) => actions.stepProposal(event.key === "." ? 1 : -1) },
      { keys: ["M"], what: "more like the selected one", run: (actions) => actions.moreLikeThis() },
    ],
  },
  {
    title: "Pictures",
    bindings: [
      { keys: ["D", "ArrowRight"], listed: ["D", "→"], what: "next picture", run: (actions) => actions.next() },
      { keys: ["A", "ArrowLeft"], listed: ["A", "←"], what: "previous picture", run: (actions) => actions.previous() },
      { keys: ["Ctrl+Enter"], what: "mark done and go to the next", run: (actions) => actions.doneAndNext() },
      { keys: ["Shift+Enter"], what: "submit for review and go to the next", run: (actions) => actions.submit() },
      { keys: ["Shift+A"], what: "accept it (the instructor)", run: (actions) => actions.accept() },
      { keys: ["Shift+R"], what: "return it with a comment (the instructor)", run: (actions) => actions.giveBack() },
      { keys: ["Shift+H"], what: "history: who did what, and when", run: (actions) => actions.showHistory() },
      { keys: ["L"], what: "show or hide the list", run: (actions) => actions.togglePictures() },
    ],
  },
  {
    title: "View",
    bindings: [
      { keys: ["Wheel"], what: "zoom at the cursor" },
      { keys: ["Space"], listed: ["Space+Drag", "Middle button"], what: "pan", run: (actions) => actions.setPanning(true), release: (actions) => actions.setPanning(false) },
      { keys: ["F"], what: "fit the picture", run: (actions) => actions.fit() },
      { keys: ["H"], what: "hide the masks while held", run: (actions) => actions.setMasksHidden(true), release: (actions) => actions.setMasksHidden(false) },
      { keys: ["I"], what: "analysis of the masks", run: (actions) => actions.showAnalysis() },
      { keys: ["V"], what: "the data set: figures, all instances, checks", run: (actions) => actions.showDataSet() },
      { keys: ["Y"], what: "the class: progress, announcements, backup (instructor)", when: (actions) => actions.isInstructor(), run: (actions) => actions.showClass() },
      { keys: ["?"], what: "this page", run: (actions) => actions.showHelp() },
    ],
  },
  {
    title: "Gallery of the data set",
    bindings: [
      { keys: ["Click", "Enter"], what: "open the picture there" },
      { keys: ["Drag", "Shift+Click", "Space"], what: "select" },
      { keys: [], listed: ["1 … 9"], what: "give that category to what is selected, or under the mouse" },
      { keys: ["X"], what: "delete them" },
      { keys: ["Ctrl+Z"], what: "undo what was done in the gallery" },
    ],
  },
  {
    title: "Touch",
    bindings: [
      { keys: ["Tap"], what: "point: + or − as the toolbar says" },
      { keys: ["Long press"], what: "background point" },
      { keys: ["One finger"], what: "box" },
      { keys: ["Two fingers"], what: "zoom and pan" },
    ],
  },
];

const BOUND = new Map(KEYS.flatMap((group) => group.bindings.filter((one) => one.run).flatMap((one) => one.keys.map((key) => [key, one]))));

/**
 * A pressed key as the table writes it: "Ctrl+Shift+Z", "Q", "?", "ArrowUp". The Mac's ⌘ counts as Ctrl; on a keyboard
 * without Latin letters the place of the key counts.
 *
 * @param {KeyboardEvent} event
 */
export function chord(event) {
  let name = event.key;
  if (name === " ") name = "Space";
  if (name.length === 1) {
    if (name > "~" && /^Key[A-Z]$/.test(event.code)) name = event.code.slice(3);
    if (name !== "?" && /^(Digit|Numpad)[0-9]$/.test(event.code)) name = event.code.slice(-1);
    name = name.toUpperCase();
  }
  const shift = event.shiftKey && (name.length > 1 || (name >= "A" && name <= "Z"));
  return [event.ctrlKey || event.metaKey ? "Ctrl" : "", event.altKey ? "Alt" : "", shift ? "Shift" : "", name].filter(Boolean).join("+");
}

/**
 * @param {object} actions what the labeler can do
 * @param {() => void} [onUse]
 */
export function startKeys(actions) {
  const held = new Map(); // code of a key that is down -> its binding

  function release() {
    for (const binding of held.values()) binding.release(actions);
    held.clear();
  }

  function down(event) {
    if (event.defaultPrevented || event.isComposing || isTyping(event.target) || document.querySelector("dialog[open]")) return;
    if (document.querySelector(".menu:popover-open") && event.key === "Escape") return; // it closes the menu
    const name = chord(event);
    const native = event.target instanceof HTMLElement && event.target.matches("button, a, input, summary, [role=menuitem]");
    if (native && (name === "Enter" || name === "Space")) return; // a focused button is pressed by them
    if (native && event.target.type === "range" && SLIDES.has(event.key)) return; // they move the slider
    const binding = BOUND.get(name);
    if (!binding) {
      if (!event.repeat && actions.categoryKey(name)) event.preventDefault();
      return;
    }
    if (binding.when && (!binding.when(actions) || native)) return;
    event.preventDefault();
    if (binding.release) {
      if (!held.has(event.code)) {
        held.set(event.code, binding);
        binding.run(actions, event);
      }
    } else if (!event.repeat || REPEATABLE.has(name)) {
      binding.run(actions, event);
    }
  }

  function up(event) {
    const binding = held.get(event.code);
    if (!binding) return;
    held.delete(event.code);
    binding.release(actions);
  }

  window.addEventListener("keydown", down);
  window.addEventListener("keyup", up);
  window.addEventListener("blur", release);
}

const SLIDES = new Set(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown"]);

/** Keys that go on while they are held. */
const REPEATABLE = new Set(["Ctrl+Z", "Ctrl+Shift+Z", "Ctrl+Y", "J", "K", "ArrowDown", "ArrowUp", "D", "A", "ArrowRight", "ArrowLeft", "Tab", "Shift+Tab"]);
