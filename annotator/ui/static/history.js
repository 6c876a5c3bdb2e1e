/** The history of a picture: who did what and when, newest first; an instructor takes an entry back there. */

import { button, openDialog } from "./dialog.js";
import { h, keyed, setText } from "./dom.js";
import { count, when } from "./format.js";
import { categoryOf, currentImage, isInstructor } from "./store.js";

const AT_ONCE = 50;
const SET = {
  new: "set the picture back to new",
  in_progress: "set the picture to in progress",
  done: "marked the picture done",
  submitted: "submitted the picture",
  returned: "returned the picture",
  accepted: "accepted the picture",
};

/**
 * @param {object} parts
 * @param {HTMLElement} parts.root
 * @param {import("./store.js").Store} parts.store
 * @param {ReturnType<import("./server.js").createServer>} parts.server
 * @param {ReturnType<import("./news.js").createNews>} parts.news
 * @param {() => Promise<void>} parts.settled waits for unsaved actions of the open picture
 * @returns {{show: () => Promise<void>}}
 */
export function createHistory({ root, store, server, news, settled }) {
  const { state } = store;
  let opened = null; // {image, refresh} while it is shown

  news.on("images", (images) => {
    if (images.some((image) => image.id === opened?.image.id)) opened.refresh();
  });

  async function show() {
    const image = currentImage(state);
    if (!image) return;
    let changes = [];
    let isWhole = false;
    const list = h("ol", { class: "history-list", "aria-label": "Changes, newest first" });
    const note = h("p", { class: "panel-note" }, "…");
    const problem = h("p", { class: "problem", role: "alert", hidden: true });
    const older = button("Show older", () => load(changes.at(-1)?.id), { id: "history-older" });
    older.hidden = true;
    const dialog = openDialog(root, {
      id: "history",
      title: `History · ${image.name}`,
      className: "history",
      body: [problem, note, list, older],
      actions: [button("Close", () => dialog.close(), { kind: "primary", autofocus: true })],
      onClose: () => (opened = null),
    });
    opened = { image, refresh: () => load() };

    function paint() {
      keyed(list, changes, { key: (change) => change.id, create, update });
      older.hidden = isWhole;
      setText(note, changes.length ? "" : "Nothing was done on this picture yet.");
      note.hidden = changes.length > 0;
    }

    /** The newest ones, or those before one. */
    async function load(beforeId = null) {
      try {
        const most = beforeId === null ? Math.max(AT_ONCE, changes.length) : AT_ONCE;
        const found = await server.request("list_changes", { image_id: image.id, before_id: beforeId, most });
        isWhole = found.length < most;
        changes = beforeId === null ? found : [...changes, ...found];
        paint();
      } catch (error) {
        complain(error);
      }
    }

    function complain(error) {
      setText(problem, error.message);
      problem.hidden = false;
    }

    async function undo(change) {
      problem.hidden = true;
      try {
        await settled();
        await server.request("undo_change", { change_id: change.id });
        news.now(); // the canvas and the list show it too
      } catch (error) {
        complain(error);
      }
      await load();
    }

    function create(change) {
      const row = h(
        "li",
        { class: "change", id: `change-${change.id}`, dataset: { kind: change.kind } },
        h("span", { class: "change-who", title: change.labeler }, change.labeler || "somebody"),
        h("span", { class: "change-what" }),
        h("time", { class: "change-when", datetime: change.at, title: new Date(change.at).toLocaleString("en-GB") }, when(change.at)),
      );
      if (isInstructor(state)) {
        const back = button("Undo", () => undo(row.change), { kind: "quiet" });
        back.classList.add("change-undo");
        row.append(back);
      }
      return row;
    }

    function update(row, change) {
      row.change = change;
      row.classList.toggle("undone", change.undone);
      setText(row.querySelector(".change-what"), tell(change));
      const back = row.querySelector(".change-undo");
      if (back) back.disabled = change.undone;
    }

    await settled();
    await load();
  }

  /** What a change was, in a few words. */
  function tell(change) {
    const said = WORDS[change.kind]?.(change) ?? change.kind.replaceAll("_", " ");
    const back = change.undoes === null ? "" : " (by undoing an entry)";
    return `${said}${back}${change.undone ? " · undone" : ""}`;
  }

  const name = (id) => (id === undefined ? "" : (categoryOf(state, id)?.name ?? "a category that is gone"));

  /** One instance by its number in the list, as long as it is there. */
  function which({ image_id: imageId, instance_ids: ids, instances }) {
    if (instances !== 1) return count(instances, "instance");
    const session = state.session?.image.id === imageId ? state.session : null;
    const place = session?.instances.findIndex((instance) => instance.id === ids[0]) ?? -1;
    return place < 0 ? "an instance that is not there now" : `instance ${place + 1} (${name(session.instances[place].category_id)})`;
  }

  /** The category that all of them had on that side, or "". */
  function category(side) {
    const ids = new Set(Object.values(side).map((one) => one.category_id));
    return ids.size === 1 ? name([...ids][0]) : "";
  }

  const WORDS = {
    saved: (change) => `saved ${which(change)}`,
    proposal_accepted: (change) => `accepted ${count(change.instances, "proposal")}`,
    imported: (change) => `imported ${count(change.instances, "instance")}`,
    edited: (change) => `gave ${which(change)} a new mask${category(change.after) && ` and the category ${category(change.after)}`}`,
    recategorised: (change) => {
      const [from, to] = [category(change.before), category(change.after)];
      return `changed ${which(change)}${from && ` from ${from}`}${to && ` to ${to}`}`;
    },
    deleted: (change) => `deleted ${which(change)}`,
    restored: (change) => `brought ${which(change)} back`,
    status: ({ before, after }) => {
      if (after.status === undefined) return `commented: “${after.comment}”`;
      const comment = after.comment ? `: “${after.comment}”` : "";
      const isBegun = before.status === "new" && after.status === "in_progress";
      return `${isBegun ? "began the picture" : SET[after.status]}${comment}`;
    },
  };

  return { show };
}
