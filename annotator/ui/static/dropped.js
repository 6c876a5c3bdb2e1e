/** The files of a drop or of a file chooser, folders read to their depth. */

const SYSTEM_FILES = new Set(["thumbs.db", "desktop.ini"]);

/** @param {DataTransfer} transfer must be read in the drop event itself: it is empty afterwards @returns {Promise<File[]>} */
export async function droppedFiles(transfer) {
  const entries = [...transfer.items].filter((item) => item.kind === "file").map((item) => item.webkitGetAsEntry?.() ?? item.getAsFile());
  const files = [];
  for (const entry of entries) if (entry) await collect(entry, files);
  return visible(files);
}

/** @param {Iterable<File>} files @returns {File[]} without what systems hide in every folder */
export function visible(files) {
  return [...files].filter((file) => !file.name.startsWith(".") && !SYSTEM_FILES.has(file.name.toLowerCase()));
}

async function collect(entry, files) {
  if (entry instanceof File) {
    files.push(entry);
  } else if (entry.isFile) {
    files.push(await new Promise((resolve, reject) => entry.file(resolve, reject)));
  } else if (!entry.name.startsWith(".") && entry.name !== "__MACOSX") {
    for (const child of await children(entry)) await collect(child, files);
  }
}

/** readEntries gives at most 100 at a time; it is asked until it gives none. */
async function children(folder) {
  const reader = folder.createReader();
  const all = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return all;
    all.push(...some);
  }
}
