/** The frame of every dialog: native, so that Esc closes it and the focus returns to where it was. */

import { h } from "./dom.js";
import { icon } from "./icons.js";

/**
 * @param {HTMLElement} root the page
 * @param {object} what
 * @param {string} what.id
 * @param {string} what.title
 * @param {Node[]} what.body
 * @param {Node[]} [what.actions] buttons, the main one last
 * @param {string} [what.className]
 * @param {() => void} [what.onClose]
 * @returns {{element: HTMLDialogElement, close: () => void, setBody: (body: Node[], actions?: Node[]) => void}}
 */
export function openDialog(root, { id, title, body, actions = [], className = "", onClose }) {
  document.getElementById(id)?.close();
  const shut = h("button", { type: "button", class: "icon-button", "aria-label": "Close" }, icon("clear"));
  const main = h("div", { class: "dialog-body" }, ...body);
  const foot = h("footer", { class: "dialog-actions" }, ...actions);
  const element = h(
    "dialog",
    { id, class: `dialog ${className}`, "aria-labelledby": `${id}-title` },
    h("header", { class: "dialog-head" }, h("h2", { id: `${id}-title` }, title), shut),
    main,
    foot,
  );
  const close = () => element.close();
  shut.addEventListener("click", close);
  element.addEventListener("pointerdown", (event) => {
    if (event.target === element) close(); // the backdrop belongs to the dialog; its content never is the target there
  });
  element.addEventListener("close", () => {
    element.remove();
    onClose?.();
  });
  root.append(element);
  element.showModal();
  element.querySelector("[autofocus]")?.focus();
  return {
    element,
    close,
    setBody(next, nextActions = []) {
      main.replaceChildren(...next);
      foot.replaceChildren(...nextActions);
    },
  };
}

/** A plain button with text. `kind` is "primary", "danger" or "". */
export function button(text, onclick, { kind = "", id = null, autofocus = false } = {}) {
  return h("button", { type: "button", class: `button ${kind}`, id, autofocus, onclick }, text);
}

/**
 * Ask before something that cannot be undone.
 *
 * @returns {Promise<boolean>}
 */
export function confirmDialog(root, { id, title, text, yes }) {
  return new Promise((resolve) => {
    let answer = false;
    const dialog = openDialog(root, {
      id,
      title,
      body: [h("p", {}, text)],
      actions: [
        button("Cancel", () => dialog.close(), { autofocus: true }),
        button(
          yes,
          () => {
            answer = true;
            dialog.close();
          },
          { kind: "danger", id: `${id}-yes` },
        ),
      ],
      onClose: () => resolve(answer),
    });
  });
}

/** A bar that fills. `part` is 0..1, or null while nobody knows how far it is. */
export function progressBar() {
  const fill = h("div", { class: "progress-fill" });
  const element = h("div", { class: "progress", role: "progressbar", "aria-valuemin": "0", "aria-valuemax": "100" }, fill);
  return {
    element,
    set(part) {
      element.classList.toggle("unknown", part === null);
      fill.style.setProperty("--part", String(part ?? 0));
      if (part === null) element.removeAttribute("aria-valuenow");
      else element.setAttribute("aria-valuenow", String(Math.round(part * 100)));
    },
  };
}

/** How far a job is, 0..1 or null. */
export function jobPart(job) {
  return job.total > 0 ? Math.min(1, job.done / job.total) : null;
}
