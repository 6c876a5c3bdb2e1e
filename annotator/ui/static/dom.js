/**
 * Elements built by hand. Children that are strings become text nodes, so no name a person typed is ever markup.
 */

/**
 * Build an element.
 *
 * @param {string} tag
 * @param {Record<string, any>} [props] `class`, `dataset`, `style` (an object, custom properties too), `onclick` and
 *   other listeners, and otherwise attributes: `false`, `null` and `undefined` leave an attribute out, `true` sets it empty.
 * @param {...(Node|string|number|null|false|undefined)} children
 * @returns {HTMLElement & Record<string, any>}
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === false || value === null || value === undefined) continue;
    if (name === "class") element.className = value;
    else if (name === "dataset") Object.assign(element.dataset, value);
    else if (name === "style") for (const [key, part] of Object.entries(value)) element.style.setProperty(key, part);
    else if (name.startsWith("on") && typeof value === "function") element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false).map(asNode));
  return element;
}

/** @param {Node|string|number} child */
function asNode(child) {
  return child instanceof Node ? child : String(child);
}

/** Write text only where it differs: the page stays still and selections are kept. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Set an attribute, or take it away for `false`, `null` and `undefined`; untouched where it is so already. */
export function setAttribute(element, name, value) {
  if (value === false || value === null || value === undefined) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
    return;
  }
  const text = value === true ? "" : String(value);
  if (element.getAttribute(name) !== text) element.setAttribute(name, text);
}

/**
 * Make the children of `parent` those of `items`, keeping the elements of items that stay (by key) and their focus.
 *
 * @template T
 * @param {HTMLElement} parent
 * @param {T[]} items
 * @param {{key: (item: T) => any, create: (item: T) => HTMLElement, update: (element: HTMLElement, item: T, index: number) => void}} how
 */
export function keyed(parent, items, { key, create, update }) {
  const known = parent.keyedElements ?? new Map();
  const next = new Map();
  items.forEach((item, index) => {
    const id = key(item);
    const element = known.get(id) ?? create(item);
    next.set(id, element);
    update(element, item, index);
  });
  for (const [id, element] of known) if (!next.has(id)) element.remove();
  let before = parent.firstElementChild;
  for (const element of next.values()) {
    if (element === before) before = before.nextElementSibling;
    else parent.insertBefore(element, before);
  }
  parent.keyedElements = next;
}

/** Whether keys typed now belong to a field and not to the page. */
export function isTyping(target) {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target.matches("textarea, select")) return true;
  return target.matches("input") && !["checkbox", "radio", "button", "range", "color", "file"].includes(target.type);
}

const GAP = 8;

/**
 * Keep the height of an element, and a gap, in a property of its parent's style, so that what shares the place with it can
 * stand beside it; 0px while it is not shown.
 *
 * @param {HTMLElement} element
 * @param {string} name "--announced"
 */
export function tellHeight(element, name) {
  new ResizeObserver(() => {
    const { offsetHeight: height } = element;
    element.parentElement.style.setProperty(name, height ? `${height + GAP}px` : "0px");
  }).observe(element);
}
