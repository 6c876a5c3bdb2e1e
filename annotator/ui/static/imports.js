/** Pictures and data sets come in: dropped anywhere on the page or chosen, sent, looked at, taken in, and told about. */

import { button, openDialog } from "./dialog.js";
import { h } from "./dom.js";
import { chosenFiles, droppedFiles } from "./dropped.js";
import { count } from "./format.js";
import { icon } from "./icons.js";
import { createImportDialog } from "./importdialog.js";
import { reportLines } from "./reportlines.js";
import { upload } from "./upload.js";

const AT_ONCE = 3; // uploads side by side
const TRIES = 4;
const PICTURE = /\.(jpe?g|png|webp|bmp|dib|tiff?|jfif)$/i;

/**
 * @param {object} parts
 * @param {HTMLElement} parts.root
 * @param {import("./store.js").Store} parts.store
 * @param {ReturnType<import("./server.js").createServer>} parts.server
 * @param {ReturnType<import("./jobs.js").createJobs>} parts.jobs
 * @param {ReturnType<import("./messages.js").createMessages>} parts.messages
 * @param {(result: object|null) => Promise<void>} parts.onImported the list has grown
 */
export function createImports({ root, store, server, jobs, messages, onImported }) {
  const chooser = (props) => {
    const input = h("input", { type: "file", multiple: true, class: "visually-hidden", tabindex: "-1", "aria-hidden": "true", ...props });
    input.addEventListener("change", () => {
      const files = chosenFiles(input.files);
      input.value = "";
      importFiles(files);
    });
    return input;
  };
  const filesInput = chooser({ id: "import-files", accept: "image/*,.zip,.tif,.tiff,.json,.xml,.txt,.csv,.yaml,.yml" });
  const folderInput = chooser({ id: "import-folder", webkitdirectory: true });
  const overlay = h(
    "div",
    { class: "drop-overlay", hidden: true },
    h("div", { class: "drop-target" }, icon("import"), h("strong", {}, "Drop to import"), h("span", {}, "pictures, data sets, folders and zips")),
  );
  root.append(filesInput, folderInput, overlay);

  let depth = 0; // dragenter and dragleave come for every element on the way
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
  const showOverlay = (visibleNow) => {
    overlay.hidden = !visibleNow;
    if (!visibleNow) depth = 0;
  };
  window.addEventListener("dragenter", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    depth += 1;
    showOverlay(true);
  });
  window.addEventListener("dragleave", (event) => {
    if (!carriesFiles(event)) return;
    depth -= 1;
    if (depth <= 0) showOverlay(false);
  });
  window.addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault(); // or the browser would open the file in place of the page
    event.dataTransfer.dropEffect = "copy";
  });
  window.addEventListener("drop", async (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    showOverlay(false);
    try {
      await importFiles(await droppedFiles(event.dataTransfer));
    } catch (error) {
      messages.error(`What was dropped could not be read: ${error.message} Choose the files with the import button instead.`);
    }
  });

  const dialog = createImportDialog({ root, store, server, messages, onImported, takePictures: (token, failed) => takeIn("import_arrived_pictures", { token }, failed) });

  /** @param {import("./dropped.js").Given[]} files */
  async function importFiles(files) {
    if (files.length === 0) return messages.info("There is no file in what was given.");
    const stopped = new AbortController();
    const card = jobs.begin("Import", () => stopped.abort());
    const { paths, failed } = await sendAll(files, card, stopped.signal);
    card.end();
    if (stopped.signal.aborted) return messages.info("The import was cancelled; nothing came in.");
    if (paths.length === 0) return report({ state: "failed", lines: [], message: "No file could be sent.", result: null }, failed);
    // pictures beside one another can be nothing else; all the rest the server looks at first
    const plain = files.every(({ path }) => PICTURE.test(path) && !path.includes("/"));
    if (plain) await takeIn("import_uploads", { paths }, failed);
    else await lookAt(paths, failed);
  }

  /** What was sent may be a data set: then a dialog tells what it would bring. Else it is pictures. */
  async function lookAt(paths, failed) {
    let card = null;
    try {
      const begun = await server.request("inspect_uploads", { paths });
      card = jobs.begin("Import", () => server.request("cancel_job", { job_id: begun.id }).catch((error) => messages.error(error.message)));
      const job = await server.follow(begun, (now) => card.show(now.total ? now.done / now.total : null, now.message || "Looking at what came"));
      card.end();
      if (job.state === "cancelled") return messages.info("The import was cancelled; nothing came in.");
      if (job.state === "failed") return report({ ...job, lines: [], result: null }, failed);
      const { token, plan } = job.result;
      if (plan === null) await takeIn("import_arrived_pictures", { token }, failed);
      else dialog.show(token, plan, failed);
    } catch (error) {
      messages.error(error.message);
    } finally {
      card?.end();
    }
  }

  async function sendAll(files, card, signal) {
    const paths = new Array(files.length);
    const failed = [];
    let sent = 0;
    let next = 0;
    let noRoom = null;
    const progress = () => card.show(sent / files.length, `Sending ${sent.toLocaleString("en")} of ${count(files.length, "file")}`);
    progress();
    async function worker() {
      while (next < files.length && !signal.aborted) {
        const place = next;
        next += 1;
        try {
          if (noRoom) throw new Error(noRoom);
          const { path } = await sendOne(files[place].file, signal);
          paths[place] = { path, name: files[place].path }; // the upload keeps little of a name, and no folder
        } catch (error) {
          if (error.isFull) {
            noRoom = "there was no room for it"; // nor for the rest: what was sent is taken in, and makes room again
            messages.error(error.message);
          }
          failed.push(`${files[place].path}: could not be sent (${noRoom ?? error.message ?? error})`);
        }
        sent += 1;
        progress();
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    return { paths: paths.filter(Boolean), failed };
  }

  async function sendOne(file, signal) {
    for (let turn = 1; ; turn += 1) {
      try {
        return await upload(file);
      } catch (error) {
        if (turn === TRIES || signal.aborted || error.isFinal) throw error;
        await new Promise((resolve) => setTimeout(resolve, 500 * 2 ** turn));
      }
    }
  }

  /** The server's part: decode, store, make thumbnails. */
  async function takeIn(call, args, failed = []) {
    let card = null;
    try {
      const begun = await server.request(call, args);
      card = jobs.begin("Import", () => server.request("cancel_job", { job_id: begun.id }).catch((error) => messages.error(error.message)));
      const job = await server.follow(begun, (now) => card.show(now.total ? now.done / now.total : null, words(now)));
      await onImported(job.result);
      report(job, failed);
    } catch (error) {
      messages.error(error.message);
    } finally {
      card?.end();
    }
  }

  const words = (job) => job.message || (job.total ? `Taking in ${job.done.toLocaleString("en")} of ${count(job.total, "file")}` : "Taking in…");

  function report(job, failed) {
    const imported = job.result?.imported ?? 0;
    const duplicates = job.result?.duplicates ?? 0;
    const lines = [...(job.lines ?? []), ...failed];
    const parts = [imported === 0 ? "No new picture came in" : `${count(imported, "picture")} came in`];
    if (duplicates) parts.push(`${duplicates.toLocaleString("en")} ${duplicates === 1 ? "was" : "were"} here already`);
    if (job.state === "cancelled") parts.push("then it was cancelled");
    const summary = job.state === "failed" ? job.message || "The import failed." : `${parts.join(", ")}.`;
    if (lines.length === 0) return (job.state === "failed" ? messages.error : messages.success)(summary);
    const told = openDialog(root, {
      id: "import-report",
      title: "Import",
      body: [
        job.state === "failed" ? h("p", { class: "problem", role: "alert" }, icon("warning"), summary) : h("p", {}, summary),
        reportLines(lines, { id: "import-lines", filename: "import.txt" }),
      ].filter(Boolean),
      actions: [button("Close", () => told.close(), { kind: "primary", autofocus: true })],
    });
  }

  return {
    chooseFiles: () => filesInput.click(),
    chooseFolder: () => folderInput.click(),
    importSamples: () => takeIn("import_samples", {}),
  };
}
