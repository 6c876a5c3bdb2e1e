/** The files of a drop or of a file chooser, folders read to their depth, each with its place in what was given. */

const SYSTEM_FILES = new Set(["thumbs.db", "desktop.ini"]);
const SYSTEM_FOLDERS = new Set(["__macosx"]);

/** @typedef {{file: File, path: string}} Given `path` begins with the folder that was given: "set/images/a.png" */

/** @param {DataTransfer} transfer must be read in the drop event itself: it is empty afterwards @returns {Promise<Given[]>} */
export async function droppedFiles(transfer) {
  const entries = [...transfer.items].filter((item) => item.kind === "file").map((item) => item.webkitGetAsEntry?.() ?? item.getAsFile());
  const files = [];
  for (const entry of entries) if (entry) await collect(entry, "", files);
  return visible(files);
}

/** @param {Iterable<File>} files of a file input @returns {Given[]} */
export function chosenFiles(files) {
  return visible([...files].map((file) => ({ file, path: file.webkitRelativePath || file.name })));
}

/** @param {Given[]} files @returns {Given[]} without what systems hide in every folder */
function visible(files) {
  return files.filter(({ path }) => {
    const all = path.toLowerCase().split("/");
    const parts = all.length > 1 ? all.slice(1) : all; // a folder that was given by itself is meant, whatever its name
    return !parts.some((part) => part.startsWith(".") || SYSTEM_FOLDERS.has(part)) && !SYSTEM_FILES.has(parts.at(-1));
  });
}

async function collect(entry, folder, files) {
  if (entry instanceof File) {
    files.push({ file: entry, path: entry.name });
  } else if (entry.isFile) {
    files.push({ file: await new Promise((resolve, reject) => entry.file(resolve, reject)), path: `${folder}${entry.name}` });
  } else {
    for (const child of await children(entry)) await collect(child, `${folder}${entry.name}/`, files);
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
