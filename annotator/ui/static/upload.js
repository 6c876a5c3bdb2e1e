/** One file goes to the server, where it waits until a call takes it in. */

const REFUSALS = new Set([413, 415, 507]); // to ask again changes nothing

/** The server did not take a file. The message is its own words; `isFull`: nor would it take another. */
export class UploadError extends Error {
  constructor(status, text) {
    super(text || `the server answered ${status}`);
    this.name = "UploadError";
    this.isFinal = REFUSALS.has(status);
    this.isFull = status === 507;
  }
}

/**
 * Gradio's own upload would show each refusal in a box of its own, with its number.
 *
 * @param {File} file
 * @returns {Promise<{path: string}>} how the calls name it
 * @throws {UploadError} and what fetch throws where nobody answers
 */
export async function upload(file) {
  const body = new FormData();
  body.append("files", file, file.name);
  const answer = await fetch(new URL("gradio_api/upload", document.baseURI), { method: "POST", body });
  if (!answer.ok) throw new UploadError(answer.status, await answer.text());
  const [path] = await answer.json();
  return { path };
}
