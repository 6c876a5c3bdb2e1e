/** Asks again and again what the server tells every page of the class. */

import { showAnnouncement } from "./announcement.js";

const EVERY_MS = 3000;

/**
 * @param {import("./store.js").Store} store
 * @param {ReturnType<import("./server.js").createServer>} server
 */
export function startClassNotices(store, server) {
  async function ask() {
    try {
      showAnnouncement(store, await server.request("class_notices"));
    } catch (error) {
      console.warn(error); // the next one may do better, and nobody waits for it
    }
    setTimeout(ask, EVERY_MS); // after the answer: a slow server is not asked by a queue of questions
  }
  setTimeout(ask, EVERY_MS);
}
