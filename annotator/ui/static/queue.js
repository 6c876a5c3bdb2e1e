/**
 * What the labeler did and the server has not yet recorded. While one call is under way, further actions collect and
 * go together in the next; the order is kept, and each has its own op_id, so a call made twice has one effect.
 */

const MOST_AT_ONCE = 50;

/** @typedef {{op_id: string, kind: string}} Action */

/**
 * @param {object} how
 * @param {(imageId: number, revision: number, actions: Action[]) => Promise<object>} how.send gives the new STATE
 * @param {(imageId: number) => Promise<object>} how.reopen gives the STATE as the server has it
 * @param {(imageId: number, state: object) => void} how.onState
 * @param {(imageId: number) => void} how.onChange the actions that wait have changed
 * @param {(imageId: number, error: Error, lost: number) => void} how.onError `lost` actions were not recorded
 */
export function createQueue({ send, reopen, onState, onChange, onError }) {
  /** @type {{imageId: number, action: Action}[]} */
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

  function push(imageId, action) {
    items.push({ imageId, action: { op_id: newId(), ...action } });
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
    if (error.kind === "conflict" && error.details?.state) {
      const lost = batch.length + items.filter((item) => item.imageId === imageId).length;
      items = items.filter((item) => item.imageId !== imageId);
      accept(imageId, error.details.state);
      onError(imageId, error, lost);
      return;
    }
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

/** A UUID; crypto.randomUUID is missing where the page comes over plain http from another machine. */
export function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
