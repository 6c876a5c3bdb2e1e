/** Looking at all masks, on the server; who asks meanwhile waits for the same look. */

/** @param {ReturnType<import("./server.js").createServer>} server */
export function createLooking(server) {
  const watching = new Set();
  let underway = null;

  async function run() {
    const { job } = await server.request("overview_look");
    if (job === null) return;
    const ended = await server.follow(job, (now) => watching.forEach((tell) => tell(now)));
    if (ended.state === "failed") throw new Error(ended.message);
  }

  /**
   * Resolves when every picture that has changed was looked at.
   *
   * @param {(job: object) => void} tell how far it is
   */
  async function look(tell) {
    watching.add(tell);
    underway ??= run().finally(() => {
      underway = null;
    });
    try {
      await underway;
    } finally {
      watching.delete(tell);
    }
  }

  return { look };
}
