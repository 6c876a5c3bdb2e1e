/** Putting a backup back: what is in it beside what is there now, a second click, and the wait for all to go on. */

import { button, jobPart, openDialog, progressBar } from "./dialog.js";
import { h, setText } from "./dom.js";
import { count, exactly } from "./format.js";
import { icon } from "./icons.js";
import { upload } from "./upload.js";

/**
 * @param {object} parts
 * @param {HTMLElement} parts.root
 * @param {ReturnType<import("./server.js").createServer>} parts.server
 * @returns {{element: HTMLElement, choose: (name: string) => void, chooseFile: () => void}}
 */
export function createRestore({ root, server }) {
  const bar = progressBar();
  const words = h("p", { role: "status", id: "restore-words" });
  let dialog = null;
  let followed = null; // the id of the job that is under way

  /** Show the dialog, and in it what the work says of itself; a refusal stays there to be read. */
  async function step(saying, work) {
    setText(words, saying);
    bar.set(null);
    bar.element.setAttribute("aria-label", saying);
    const mine = dialog;
    mine.setBody([words, bar.element], [button("Cancel", () => mine.close())]);
    try {
      return await work(mine);
    } catch (error) {
      fail(mine, error.message);
      return null;
    }
  }

  function fail(mine, text) {
    if (dialog !== mine) return;
    mine.setBody([h("p", { class: "problem", role: "alert", id: "restore-problem" }, icon("warning"), h("span", {}, text))], [button("Close", () => mine.close())]);
  }

  async function follow(job, mine) {
    followed = job.id;
    const ended = await server.follow(job, (now) => bar.set(jobPart(now)));
    followed = null;
    if (ended.state === "done") return ended.result;
    fail(mine, ended.message);
    return null;
  }

  function open() {
    dialog = openDialog(root, {
      id: "restore-dialog",
      title: "Restore a backup",
      body: [],
      onClose() {
        dialog = null;
        if (followed) server.request("cancel_job", { job_id: followed }).catch(() => {}); // it may be over by now
        followed = null;
      },
    });
    return dialog;
  }

  /** @param {(mine: object) => Promise<object>} begin the job that checks it */
  async function check(begin) {
    open();
    const found = await step("Checking the backup from end to end…", async (mine) => follow(await begin(mine), mine));
    if (found && dialog) confirm(found);
  }

  function confirm(found) {
    const mine = dialog;
    const row = (title, now, then) => h("tr", {}, h("th", { scope: "row" }, title), h("td", {}, now), h("td", {}, then));
    const table = h(
      "table",
      { class: "restore-outlook", id: "restore-outlook" },
      h("thead", {}, h("tr", {}, h("td", {}), h("th", { scope: "col" }, "Now"), h("th", { scope: "col" }, "In the backup"))),
      h(
        "tbody",
        {},
        row("Of", "this moment", exactly(found.made_at)),
        row("Pictures", found.now.pictures.toLocaleString(), found.pictures.toLocaleString()),
        row("Instances", found.now.instances.toLocaleString(), found.instances.toLocaleString()),
      ),
    );
    const missing = found.missing ? [h("p", {}, `${count(found.missing, "picture")} had lost their files before the backup was made.`)] : [];
    mine.setBody(
      [
        table,
        ...missing,
        h("p", {}, "Everybody's page waits a moment, then goes on with the backup. What is there now is backed up first: to take the restore back, restore that one."),
      ],
      [button("Cancel", () => mine.close(), { autofocus: true }), button("Restore for everybody", () => restore(found.name), { kind: "danger", id: "restore-yes" })],
    );
  }

  const restore = (name) =>
    // where it is restored, no answer comes: the page loads itself anew
    step("Restoring; everybody's page goes on by itself…", async (mine) => follow(await server.request("restore_backup", { name }), mine));

  const file = h("input", { type: "file", accept: ".zip", hidden: true, id: "restore-file" });
  file.addEventListener("change", () => {
    const [chosen] = file.files;
    file.value = "";
    if (chosen) check(async () => server.request("check_uploaded_backup", await upload(chosen)));
  });

  return {
    element: file,
    choose: (name) => check(() => server.request("check_backup", { name })),
    chooseFile: () => file.click(),
  };
}
