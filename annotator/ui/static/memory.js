/** What the browser keeps for the page: choices between visits, the open picture of this window over a reload. */

/** Kept for this window alone, so that two windows can show two pictures. */
export const WINDOW = () => sessionStorage;
/** Kept for all windows, between visits. */
export const BROWSER = () => localStorage;

/** @returns {any} what was remembered, or null; storage may be forbidden, and then the usual choices do */
export function recall(storage, key) {
  try {
    return JSON.parse(storage().getItem(`annotator-${key}`));
  } catch {
    return null;
  }
}

/** Forget what was kept for this window: it names what is not there any more. */
export function forgetWindow() {
  try {
    for (const key of Object.keys(sessionStorage)) if (key.startsWith("annotator-")) sessionStorage.removeItem(key);
  } catch {
    // Then nothing was kept.
  }
}

export function remember(storage, key, value) {
  try {
    storage().setItem(`annotator-${key}`, JSON.stringify(value));
  } catch {
    // Not remembered; nothing else depends on it.
  }
}
