/** The review: handing a picture in, passing it, giving it back with a comment; and which picture comes next. */

import { button, openDialog } from "./dialog.js";
import { h, setText, tellHeight } from "./dom.js";
import { icon } from "./icons.js";
import { currentImage, isGivenOut, isInstructor } from "./store.js";
import { tip } from "./tooltip.js";

const REVIEWABLE = ["submitted", "done"];
const RETURNABLE = [...REVIEWABLE, "accepted"];
const ALONE = "Where nobody signs in, nobody reviews: mark the picture done.";
const MOST_LETTERS = 2000; // as in annotator/review.py

/**
 * @param {object} parts
 * @param {HTMLElement} parts.root
 * @param {import("./store.js").Store} parts.store
 * @param {ReturnType<import("./messages.js").createMessages>} parts.messages
 * @param {ReturnType<import("./actions.js").createActions>} parts.base
 * @param {(imageId: number) => Promise<void>} parts.open
 */
export function createReview({ root, store, messages, base, open }) {
  const { state } = store;

  // the next picture

  /** Where pictures are given out, the server says which one it is, and it is the labeler's from then on. */
  async function giveNext() {
    if (isGivenOut(state)) await takeNext();
    else base.next();
  }

  let taking = false;

  async function takeNext() {
    if (taking) return; // the key is held
    taking = true;
    try {
      const image = await base.ask("next_image", { after: state.currentId });
      if (image === undefined) return; // refused, and said
      if (image === null || image.id === state.currentId) messages.info("No other picture needs you now.");
      else await open(image.id);
    } finally {
      taking = false;
    }
  }

  /** Others have the picture that the labeler was about to work on. */
  function onTaken(error) {
    messages.info(error.message);
    if (isGivenOut(state)) takeNext();
  }

  async function finish(status, name, args, word) {
    if (!base.canFinish()) return;
    const done = base.changeStatus(status, name, args);
    if (isGivenOut(state)) {
      if (await done) await takeNext(); // by then it is not theirs any more
    } else base.goOn(word);
  }

  const doneAndNext = () => finish("done", "set_status", { status: "done" }, "Done.");

  function submit() {
    if (!state.person.signed_in) return messages.info(ALONE);
    if (currentImage(state)?.status === "accepted") return messages.info("This picture is accepted already.");
    finish("submitted", "submit_image", {}, "Submitted.");
  }

  // the instructor's part

  function mayReview(statuses, deed) {
    const image = currentImage(state);
    if (!image) return null;
    if (!state.person.signed_in || !isInstructor(state)) {
      messages.info(state.person.signed_in ? "The instructor reviews pictures." : ALONE);
      return null;
    }
    if (statuses.includes(image.status)) return image;
    messages.info(`This picture is ${image.status.replace("_", " ")}: it can be ${deed} once it is submitted.`);
    return null;
  }

  function accept() {
    if (!mayReview(REVIEWABLE, "accepted")) return;
    base.changeStatus("accepted", "accept_image");
    base.goOn("Accepted.");
  }

  function giveBack() {
    const image = mayReview(RETURNABLE, "returned");
    if (!image) return;
    const comment = h("textarea", { id: "return-comment", class: "field", rows: 4, maxlength: MOST_LETTERS, required: true, autofocus: true, placeholder: "What is to be done on it" });
    const send = button("Return", submitComment, { kind: "primary", id: "return-send" });
    const dialog = openDialog(root, {
      id: "return-dialog",
      title: `Return · ${image.name}`,
      body: [h("label", { class: "return-form" }, h("span", {}, "The labeler sees this on opening the picture."), comment)],
      actions: [button("Cancel", () => dialog.close()), send],
    });
    comment.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submitComment();
    });
    function submitComment() {
      if (!comment.reportValidity()) return;
      if (!comment.value.trim()) return comment.focus();
      dialog.close();
      if (state.currentId === image.id) base.changeStatus("returned", "return_image", { comment: comment.value });
    }
  }

  return { next: giveNext, onTaken, doneAndNext, submit, accept, giveBack };
}

/**
 * The buttons of the header: one's own as a labeler, those of a review as the instructor.
 *
 * @param {import("./store.js").Store} store
 * @param {{submit: () => void, accept: () => void, giveBack: () => void}} actions
 * @returns {HTMLElement}
 */
export function createReviewButtons(store, actions) {
  const { state } = store;
  const make = (id, name, word, what, keys, onclick) =>
    tip(h("button", { type: "button", id, class: "button", onclick, hidden: true }, icon(name), h("span", {}, word)), what, keys);
  const submit = make("submit", "submitted", "Submit", "Hand this picture in for review and go to the next", "Shift+Enter", actions.submit);
  const accept = make("accept", "accepted", "Accept", "Pass this picture and go to the next", "Shift+A", actions.accept);
  const giveBack = make("return", "returned", "Return…", "Give this picture back, with a comment", "Shift+R", actions.giveBack);

  store.on(["images", "currentId", "person"], () => {
    const status = state.person.signed_in ? currentImage(state)?.status : undefined;
    submit.hidden = !status || isInstructor(state);
    submit.disabled = ["submitted", "accepted"].includes(status);
    accept.hidden = !isInstructor(state) || !REVIEWABLE.includes(status);
    giveBack.hidden = !isInstructor(state) || !RETURNABLE.includes(status);
  });
  return h("span", { class: "review-buttons" }, submit, accept, giveBack);
}

/**
 * What the reviewer said, over the picture until it is put away; then by the chip that stays.
 *
 * @param {import("./store.js").Store} store
 * @returns {HTMLElement}
 */
export function createReturnedNote(store) {
  const { state } = store;
  const words = h("p", { class: "returned-words" });
  const close = tip(h("button", { type: "button", class: "icon-button", onclick: () => put(true) }, icon("clear")), "Put the comment away");
  const note = h("div", { id: "returned", class: "returned", role: "note", hidden: true }, icon("returned"), h("div", { class: "returned-text" }, h("strong", {}, "Returned"), words), close);
  const chip = h("button", { type: "button", id: "returned-chip", class: "chip", hidden: true, onclick: () => put(false) }, icon("returned"), "Comment");
  const away = new Set(); // pictures and comments that were read

  function put(isRead) {
    const image = currentImage(state);
    if (!image) return;
    if (isRead) away.add(keyOf(image));
    else away.delete(keyOf(image));
    show();
  }
  const keyOf = (image) => `${image.id} ${image.review_comment}`;

  function show() {
    const image = currentImage(state);
    const isReturned = image?.status === "returned" && Boolean(image.review_comment);
    note.hidden = !isReturned || away.has(keyOf(image));
    chip.hidden = !isReturned || !note.hidden;
    if (isReturned) setText(words, image.review_comment);
  }
  store.on(["images", "currentId"], show);
  const place = h("div", { class: "returned-place" }, note, chip);
  tellHeight(place, "--returned"); // messages come above it: notices.css
  return place;
}
