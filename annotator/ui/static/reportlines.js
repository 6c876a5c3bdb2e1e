/** What a long piece of work has to tell, line by line: the first ones at once, all of them as a text file. */

import { h } from "./dom.js";
import { icon } from "./icons.js";

const SHOWN = 200; // more would be scrolled through by nobody, and make the dialog slow

/**
 * @param {string[]} lines
 * @param {{id: string, filename: string}} props the name under which all of them are saved
 * @returns {HTMLElement|null} null where there is nothing to tell
 */
export function reportLines(lines, { id, filename }) {
  if (lines.length === 0) return null;
  const list = h("ul", { id, class: "report-lines", tabindex: "0" }, ...lines.slice(0, SHOWN).map((line) => h("li", {}, line)));
  if (lines.length > SHOWN) list.append(h("li", { class: "report-more" }, `and ${(lines.length - SHOWN).toLocaleString("en")} more`));
  return h("div", { class: "report" }, list, lines.length > 5 ? saveLink(lines, filename) : null);
}

/** A link that saves lines as a text file; the file is made when it is asked for. */
function saveLink(lines, filename) {
  const link = h("a", { class: "button link report-save", href: "#", download: filename }, icon("download"), `Save all ${lines.length.toLocaleString("en")} lines`);
  link.addEventListener("click", () => {
    const url = URL.createObjectURL(new Blob([`${lines.join("\n")}\n`], { type: "text/plain" }));
    link.href = url;
    setTimeout(() => URL.revokeObjectURL(url), 60_000); // the browser has read it by then
  });
  return link;
}
