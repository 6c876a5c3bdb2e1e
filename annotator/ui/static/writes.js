/** Calls that write. The page asks before it is left until they are answered. */

/**
 * @param {object} parts
 * @param {ReturnType<import("./server.js").createServer>} parts.server
 * @param {ReturnType<import("./messages.js").createMessages>} parts.messages
 */
export function createWrites({ server, messages }) {
  let underway = 0;

  async function write(name, args) {
    underway += 1;
    try {
      return await server.request(name, args);
    } finally {
      underway -= 1;
    }
  }

  /** A call whose refusal is shown and is no more than that. Gives undefined then. */
  async function ask(name, args, request = write) {
    try {
      return await request(name, args);
    } catch (error) {
      messages.error(error.message);
      return undefined;
    }
  }

  return { write, ask, isBusy: () => underway > 0 };
}
