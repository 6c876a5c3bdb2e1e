/** What is known about the gallery's instances: asked for when they come into view, kept until it changes. */

const WAIT_MS = 80; // while the gallery is scrolled through, nothing is asked for
const MOST_AT_ONCE = 200;

/**
 * @param {object} parts
 * @param {ReturnType<import("./server.js").createServer>} parts.server
 * @param {() => void} parts.onCome
 * @param {(error: Error) => void} parts.onLost
 */
export function createTiles({ server, onCome, onLost }) {
  const known = new Map(); // id -> tile, null where the instance is gone
  const stale = new Set(); // ids to ask for again, shown as they were until then
  const underway = new Set();
  let age = 0; // what was asked for before the last change is not believed
  let wanted = [];
  let timer = 0;

  const missing = () => wanted.filter((id) => (!known.has(id) || stale.has(id)) && !underway.has(id)).slice(0, MOST_AT_ONCE);

  async function ask() {
    const ids = missing();
    if (ids.length === 0) return;
    const mine = age;
    ids.forEach((id) => underway.add(id));
    try {
      const { tiles } = await server.request("gallery_tiles", { ids });
      if (mine === age) {
        for (const id of ids) known.set(id, null);
        for (const tile of tiles) known.set(tile.id, tile);
        for (const id of ids) stale.delete(id);
      }
    } catch (error) {
      onLost(error);
      wanted = [];
    } finally {
      ids.forEach((id) => underway.delete(id));
    }
    if (missing().length) ask();
    onCome();
  }

  return {
    get: (id) => known.get(id),
    /** These are in view. */
    want(ids) {
      wanted = ids;
      if (missing().length === 0) return;
      clearTimeout(timer);
      timer = setTimeout(ask, WAIT_MS);
    },
    /** What will be so when the server has answered; null: it is gone. */
    foresee(ids, change) {
      for (const id of ids) if (known.get(id)) known.set(id, change && { ...known.get(id), ...change });
    },
    /** Instances of these pictures have changed. */
    forget(imageIds) {
      age += 1;
      for (const [id, tile] of known) if (tile === null || imageIds.has(tile.image_id)) stale.add(id);
    },
    clear() {
      age += 1;
      known.clear();
      stale.clear();
    },
  };
}
