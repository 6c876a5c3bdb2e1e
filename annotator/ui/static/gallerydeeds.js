/**
 * What was done to many instances at once, and what undo takes back. A deed is a recorded step on each of its pictures,
 * so Ctrl+Z on such a picture takes back the part of it that is there; here it takes back all of it.
 */

import { newId } from "./queue.js";

const MOST_AT_ONCE = 300; // as in annotator/overview/gallery.py

/** @typedef {{op_id: string, image_ids: number[]}} Part */

/**
 * @param {object} parts
 * @param {ReturnType<import("./server.js").createServer>} parts.server
 * @param {() => Promise<void>} parts.settled waits for unsaved actions of the open picture
 * @param {(answer: object) => void} parts.onAnswer
 */
export function createDeeds({ server, settled, onAnswer }) {
  /** @type {{ids: number[], parts: Part[]}[]} */
  let done = [];
  /** @type {{ids: number[], parts: Part[]}[]} */
  let undone = [];
  let last = Promise.resolve();

  /** One after another: an undo must not overtake what it takes back. */
  function inTurn(work) {
    const turn = last.then(async () => {
      await settled();
      return work();
    });
    last = turn.catch(() => undefined);
    return turn;
  }

  async function call(name, args) {
    const answer = await server.request(name, { ...args, op_id: newId() });
    onAnswer(answer);
    return answer;
  }

  /** @returns {Promise<{gone: number[], refused: string[]}>} */
  function take(name, ids, args) {
    return inTurn(async () => {
      const [parts, gone, refused] = [[], [], []];
      try {
        for (let start = 0; start < ids.length; start += MOST_AT_ONCE) {
          const answer = await call(name, { ...args, ids: ids.slice(start, start + MOST_AT_ONCE) });
          if (answer.image_ids.length) parts.unshift({ op_id: answer.op_id, image_ids: answer.image_ids });
          gone.push(...answer.gone);
          refused.push(...answer.refused);
        }
      } finally {
        if (parts.length) [done, undone] = [[...done, { ids, parts }], []];
      }
      return { gone, refused };
    });
  }

  /** Take back, or again, the last deed. @returns {Promise<{ids: number[], refused: string[]}|null>} null: there is none */
  function again(name) {
    return inTurn(async () => {
      const deed = (name === "gallery_undo" ? done : undone).at(-1);
      if (!deed) return null;
      if (name === "gallery_undo") done = done.slice(0, -1);
      else undone = undone.slice(0, -1);
      const [parts, left, refused] = [[], [...deed.parts], []];
      try {
        for (const part of deed.parts) {
          for (let start = 0; start < part.image_ids.length; start += MOST_AT_ONCE) {
            const answer = await call(name, { of: part.op_id, image_ids: part.image_ids.slice(start, start + MOST_AT_ONCE) });
            if (answer.image_ids.length) parts.unshift({ op_id: part.op_id, image_ids: answer.image_ids });
            refused.push(...answer.refused);
          }
          left.shift();
        }
      } finally {
        const [back, over] = name === "gallery_undo" ? [left, parts] : [parts, left];
        if (back.length) done = [...done, { ids: deed.ids, parts: back }];
        if (over.length) undone = [...undone, { ids: deed.ids, parts: over }];
      }
      return { ids: deed.ids, refused };
    });
  }

  return {
    setCategory: (ids, category) => take("gallery_set_category", ids, { category_id: category.id }),
    remove: (ids) => take("gallery_delete", ids, {}),
    undo: () => again("gallery_undo"),
    redo: () => again("gallery_redo"),
    get canUndo() {
      return done.length > 0;
    },
    get canRedo() {
      return undone.length > 0;
    },
  };
}
