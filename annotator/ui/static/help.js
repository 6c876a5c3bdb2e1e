/** All keys on one sheet. */

import { button, openDialog } from "./dialog.js";
import { h } from "./dom.js";
import { KEYS } from "./keys.js";

/** @param {HTMLElement} root */
export function showHelp(root) {
  const groups = KEYS.map(({ title, bindings }) =>
    h(
      "section",
      { class: "key-group" },
      h("h3", {}, title),
      h("dl", {}, ...bindings.flatMap(({ keys, listed, what }) => [h("dt", {}, ...(listed ?? keys).map(keyWords)), h("dd", {}, what)])),
    ),
  );
  const dialog = openDialog(root, {
    id: "help-dialog",
    title: "Keys and mouse",
    className: "wide",
    body: [h("div", { class: "key-groups" }, ...groups), h("p", { class: "panel-note" }, "Keys do nothing while a text field has the focus.")],
    actions: [button("Close", () => dialog.close(), { kind: "primary", autofocus: true })],
  });
}

const keyWords = (text) => h("kbd", {}, text);
