/**
 * Calls to the server. A call that does not get through is made again, later and later, until it does; who is waiting
 * learns of it by `onLost`. What the server refuses is thrown as a ServerError.
 *
 * While a backup is restored, calls wait likewise. Afterwards nothing that this page knows is sure to be there, so it
 * changes nothing any more: `onRestored` has it loaded anew, and calls are not answered.
 */

/** The server understood and said no; `kind` says which no, the message is for people. */
export class ServerError extends Error {
  constructor(error) {
    super(error.message ?? "The server gave no reason.");
    this.name = "ServerError";
    this.kind = error.kind ?? "bug";
    this.details = error;
  }
}

const FIRST_WAIT_MS = 400;
const LONGEST_WAIT_MS = 8000;
const RESTORING_WAIT_MS = 1000;
const ASK_WHY_AFTER = 3; // tries
const BUSY = "busy"; // the kind of refusal that asks for another try: too many calls of this person's at once
const PATIENCE_MS = 45_000; // a request that hangs this long (a sleeping laptop, a lost network) counts as lost

/**
 * @param {(message: {name: string, args: object, generation?: number}) => Promise<any>} call
 * @param {(lost: {retryAt: number, signedOut: boolean, restoring: boolean}|null) => void} onLost told the time of the next
 *   try, and null when all is well again
 * @param {() => void} onRestored
 */
export function createServer(call, onLost, onRestored) {
  /** Calls that wait for their next try. @type {Set<{retryAt: number, wake: () => void}>} */
  const waiting = new Set();
  let signedOut = false;
  let restoring = false;
  let generation = null; // of the data that this page shows; null before it has any

  function tell() {
    if (waiting.size === 0) signedOut = false;
    onLost(waiting.size === 0 ? null : { retryAt: Math.min(...[...waiting].map((one) => one.retryAt)), signedOut, restoring });
  }

  /** A call that is refused looks like one that is lost; the server's front door tells them apart. */
  async function askWhy() {
    try {
      signedOut = (await fetch(new URL("config", document.baseURI))).status === 401;
    } catch {
      signedOut = false;
    }
  }

  /** Try everything that waits, now. */
  function tryNow() {
    for (const one of waiting) one.wake();
  }
  window.addEventListener("online", tryNow);

  /** One attempt: the answer, or undefined where none came. */
  async function attempt(name, args) {
    let timer;
    const tired = new Promise((resolve) => {
      timer = setTimeout(resolve, PATIENCE_MS);
    });
    try {
      return await Promise.race([call(generation === null ? { name, args } : { name, args, generation }), tired]);
    } catch {
      return undefined; // the network's own words ("Failed to fetch") help nobody; the banner says what happens
    } finally {
      clearTimeout(timer);
    }
  }

  /** Attempts until one is answered. */
  async function persist(name, args) {
    const one = { retryAt: 0, wake: () => {} };
    let tries = 0;
    for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
      const answer = await attempt(name, args);
      const busy = answer?.error?.kind === BUSY;
      restoring = answer?.error?.kind === "restoring";
      if (answer !== undefined && answer !== null && !busy && !restoring) {
        if (waiting.delete(one)) {
          tell();
          tryNow(); // one got through, so the others will
        }
        return answer;
      }
      if (busy) {
        await new Promise((resolve) => setTimeout(resolve, wait)); // the server is there: nothing is lost, nothing is told
        continue;
      }
      tries += 1;
      if (restoring) wait = Math.min(wait, RESTORING_WAIT_MS);
      else if (tries >= ASK_WHY_AFTER) await askWhy();
      one.retryAt = Date.now() + wait;
      waiting.add(one);
      tell();
      await new Promise((resolve) => {
        one.wake = resolve;
        setTimeout(resolve, wait);
      });
    }
  }

  /**
   * @param {string} name one of the calls
   * @param {object} [args]
   * @returns {Promise<any>} the call's result
   * @throws {ServerError}
   */
  async function request(name, args = {}) {
    const answer = await persist(name, args);
    if (answer.error?.kind === "restored") {
      onRestored();
      return new Promise(() => {});
    }
    if (answer.ok) return answer.result;
    throw new ServerError(answer.error ?? {});
  }

  /**
   * Follow a job to its end.
   *
   * @param {object} job as the call that began it gave it
   * @param {(job: object) => void} onProgress
   * @returns {Promise<object>} the job as it ended: done, failed or cancelled
   */
  async function follow(job, onProgress) {
    onProgress(job);
    while (job.state === "running") {
      await new Promise((resolve) => setTimeout(resolve, 250));
      job = await request("job", { job_id: job.id });
      onProgress(job);
    }
    return job;
  }

  return {
    request,
    follow,
    tryNow,
    /** @param {number} of the data that the page has loaded */
    setGeneration(of) {
      generation = of;
    },
  };
}
