/**
 * What the labeler did and the server has not yet recorded. While one call is under way, further actions collect and
 * go together in the next; the order is kept, and each has its own op_id, so a call made twice has one effect.
 */

import { hasPrompt } from "./session.js";

const MOST_AT_ONCE = 50;
const STANDALONE = new Set(["set_category", "delete_instance"]); // about an instance, whatever the prompt is

/** @typedef {{op_id: string, kind: string}} Action */

/**
 * @param {object} how
 * @param {(imageId: number, revision: number, actions: Action[]) => Promise<object>} how.send gives the new STATE
 * @param {(imageId: number) => Promise<object>} how.reopen gives the STATE as the server has it
 * @param {(imageId: number, state: object) => void} how.onState
 * @param {(imageId: number) => void} how.onChange the actions that wait have changed
 * @param {(imageId: number, error: Error, lost: number) => void} how.onError `lost` actions were not recorded
 * @param {(imageId: number, action: Action, clashes: object[]) => void} how.onClash somebody else has changed what an
 *   action was about: it was refused, and is for the labeler to decide
 */
export function createQueue({ send, reopen, onState, onChange, onError, onClash }) {
  /** @type {{imageId: number, action: Action, edit?: import("./actions.js").Edit}[]} */
  let items = [];
  /** @type {{imageId: number, action: Action}[]} */
  let underway = [];
  /** @type {Map<number, number>} */
  const revisions = new Map();
  let running = false;
  let idleWaiters = [];

  /** Actions of a picture that are not answered, oldest first. */
  function pending(imageId) {
    return [...underway, ...items].filter((item) => item.imageId === imageId).map((item) => item.action);
  }

  /** edit: of a commit, the edit of an instance that it ends. */
  function push(imageId, action, edit = null) {
    items.push({ imageId, action: { op_id: newId(), ...action }, edit });
    onChange(imageId);
    run();
  }

  /** Resolves when nothing of that picture is waiting. */
  function idle(imageId) {
    if (pending(imageId).length === 0) return Promise.resolve();
    return new Promise((resolve) => idleWaiters.push({ imageId, resolve }));
  }

  function wakeIdle() {
    idleWaiters = idleWaiters.filter(({ imageId, resolve }) => {
      if (pending(imageId).length > 0) return true;
      resolve();
      return false;
    });
  }

  async function run() {
    if (running) return;
    running = true;
    try {
      while (items.length > 0) {
        const { imageId } = items[0];
        const other = items.findIndex((item) => item.imageId !== imageId);
        const together = Math.min(other < 0 ? items.length : other, MOST_AT_ONCE);
        await deliver(imageId, items.splice(0, together));
      }
    } finally {
      running = false;
    }
  }

  async function deliver(imageId, batch) {
    underway = batch;
    try {
      accept(imageId, await send(imageId, revisions.get(imageId), batch.map((item) => item.action)));
    } catch (error) {
      await recover(imageId, batch, error);
    } finally {
      underway = [];
      onChange(imageId);
      wakeIdle();
    }
  }

  function accept(imageId, state) {
    underway = [];
    revisions.set(imageId, state.revision);
    onState(imageId, state);
  }

  /**
   * The server refused. After a conflict the picture is not what the labeler saw, so what was meant for it is dropped
   * and said; otherwise one bad action must not take the good ones beside it along: each is sent alone.
   */
  async function recover(imageId, batch, error) {
    if (["conflict", "clash"].includes(error.kind) && error.details?.state) return sort(imageId, batch, error);
    if (batch.length === 1) onError(imageId, error, 1);
    try {
      accept(imageId, await reopen(imageId));
    } catch (gone) {
      const lost = batch.length + items.filter((item) => item.imageId === imageId).length;
      items = items.filter((item) => item.imageId !== imageId);
      onError(imageId, gone, lost);
      return;
    }
    if (batch.length > 1) for (const item of batch) await deliver(imageId, [item]);
  }

  /**
   * What becomes of actions that were meant for another state of the picture. Those that are about an instance alone are
   * sent again and name what they have seen of it, so that the server tells of a clash; those of the prompt are lost.
   */
  function sort(imageId, batch, { details }) {
    const all = [...batch, ...items.filter((item) => item.imageId === imageId)];
    const at = all.findIndex((item) => item.action.op_id === details.op_id); // of a clash; what came before it is recorded
    const refused = all[at];
    const later = all.slice(at + 1);
    const { state } = details;
    const again = later.flatMap((item) => {
      if (STANDALONE.has(item.action.kind)) return [{ ...item, action: { ...item.action, strict: true } }];
      return !refused && item.edit && !hasPrompt(state) ? repeated(item) : [];
    });
    const kept = new Set(again.map((item) => item.action.op_id));
    items = [...again, ...items.filter((item) => item.imageId !== imageId)];
    accept(imageId, state);
    const lost = later.filter((item) => !kept.has(item.action.op_id)).length;
    if (refused) onClash(imageId, refused.action, details.clashes);
    if (lost > 0) onError(imageId, { kind: "conflict" }, lost);
  }

  return {
    push,
    pending,
    idle,
    /** Told by whoever opened a picture. */
    setRevision: (imageId, revision) => revisions.set(imageId, revision),
    /** Whether anything at all is unsaved. */
    get busy() {
      return items.length + underway.length > 0;
    },
  };
}

/** The end of an edit whose prompt is not there any more: that prompt again, then the end, by what the edit began with. */
function repeated({ imageId, action, edit }) {
  const seen = { [edit.instance_id]: edit.version };
  const begin = { op_id: newId(), kind: "edit_instance", instance_id: edit.instance_id, steps: edit.steps, seen };
  return [
    { imageId, action: begin },
    { imageId, action: { ...action, seen, strict: true } },
  ];
}

/** A UUID; crypto.randomUUID is missing where the page comes over plain http from another machine. */
export function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
