/** Our own small line icons, 16×16, drawn in the text's colour. */

const PATHS = {
  previous: ["M10 3 5 8l5 5"],
  next: ["m6 3 5 5-5 5"],
  undo: ["M6 3 3 6l3 3", "M3 6h6a4 4 0 0 1 0 8H6"],
  redo: ["m10 3 3 3-3 3", "M13 6H7a4 4 0 0 0 0 8h3"],
  clear: ["m4 4 8 8", "m12 4-8 8"],
  plus: ["M8 3v10", "M3 8h10"],
  minus: ["M3 8h10"],
  check: ["m3 8.5 3.2 3.2L13 5"],
  fit: ["M2.5 6V2.5H6", "M10 2.5h3.5V6", "M13.5 10v3.5H10", "M6 13.5H2.5V10"],
  export: ["M8 10V2.5", "m5 5.2 3-2.7 3 2.7", "M2.5 9.5v3a1 1 0 0 0 1 1h9a1 1 0 0 0 1-1v-3"],
  import: ["M8 2.5V10", "m5 7.3 3 2.7 3-2.7", "M2.5 9.5v3a1 1 0 0 0 1 1h9a1 1 0 0 0 1-1v-3"],
  download: ["M8 2.5V10", "m5 7.3 3 2.7 3-2.7", "M3 13.5h10"],
  gallery: ["M2.5 2.5h4.5v4.5H2.5z", "M9 2.5h4.5v4.5H9z", "M2.5 9h4.5v4.5H2.5z", "M9 9h4.5v4.5H9z"],
  chart: ["M3 13V8.5", "M8 13V3", "M13 13V6"],
  help: ["M6 6.2a2 2 0 1 1 2.9 1.8c-.6.3-.9.7-.9 1.4", "M8 11.8v.1"],
  theme: ["M8 2.2a5.8 5.8 0 1 0 0 11.6z"],
  down: ["m4 6 4 4 4-4"],
  edit: ["m10.5 3 2.5 2.5L6 12.5l-3 .5.5-3z"],
  grid: ["M3 3v.1", "M8 3v.1", "M13 3v.1", "M3 8v.1", "M8 8v.1", "M13 8v.1", "M3 13v.1", "M8 13v.1", "M13 13v.1"],
  eye: ["M1.8 8S4 3.8 8 3.8 14.2 8 14.2 8 12 12.2 8 12.2 1.8 8 1.8 8z", "M8 6.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6z"],
  scissors: ["M4.2 9.6a2 2 0 1 0 0 4 2 2 0 0 0 0-4z", "M11.8 9.6a2 2 0 1 0 0 4 2 2 0 0 0 0-4z", "M5.3 10 11 2.5", "M10.7 10 5 2.5"],
  trash: ["M3 4.5h10", "M6.5 4.5V3h3v1.5", "m4.2 4.5.6 8.5h6.4l.6-8.5"],
  grip: ["M6 4v.1", "M10 4v.1", "M6 8v.1", "M10 8v.1", "M6 12v.1", "M10 12v.1"],
  list: ["M2.5 3.5h3v3h-3z", "M2.5 9.5h3v3h-3z", "M8.5 5h5", "M8.5 11h5"],
  new: ["M8 3a5 5 0 1 0 0 10A5 5 0 0 0 8 3z"],
  submitted: ["M8 3a5 5 0 1 0 0 10A5 5 0 0 0 8 3z", "M8 10.5v-5", "m5.8 7.5 2.2-2.2 2.2 2.2"],
  returned: ["M8 3a5 5 0 1 0 0 10A5 5 0 0 0 8 3z", "M10.5 8h-5", "m7.5 5.8-2.2 2.2 2.2 2.2"],
  accepted: ["M8 3a5 5 0 1 0 0 10A5 5 0 0 0 8 3z", "m5.6 8.2 1.7 1.7 3.1-3.5"],
  history: ["M3 5.2A5.5 5.5 0 1 1 2.5 8", "M2.6 2.6v2.8h2.8", "M8 5v3.2l2.2 1.4"],
  picture: ["M2.5 3.5h11v9h-11z", "m2.5 11 3.2-3.2 2.6 2.6 1.7-1.7 3.5 3.3", "M10.5 6.2v.1"],
  folder: ["M2 4.2a1 1 0 0 1 1-1h3l1.5 1.6H13a1 1 0 0 1 1 1v6a1 1 0 0 1-1 1H3a1 1 0 0 1-1-1z"],
  warning: ["M8 2.5 14 13H2z", "M8 6.5v3", "M8 11.2v.1"],
  info: ["M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11z", "M8 7.3v3.4", "M8 5.2v.1"],
  offline: ["M2 6.2a8.6 8.6 0 0 1 12 0", "M4.4 8.7a5.2 5.2 0 0 1 7.2 0", "M8 12v.1", "m2.5 2.5 11 11"],
  people: ["M6 3.2a2.2 2.2 0 1 0 0 4.4 2.2 2.2 0 0 0 0-4.4z", "M2 13c0-2.2 1.8-3.6 4-3.6s4 1.4 4 3.6", "M10.6 3.6a2 2 0 0 1 0 3.8", "M11.6 9.6c1.5.5 2.4 1.7 2.4 3.4"],
  lock: ["M4 7.5h8v6H4z", "M5.5 7.5V5.4a2.5 2.5 0 0 1 5 0v2.1"],
  announce: ["M2.5 6.5v3h2.5l5 3v-9l-5 3z", "M12 6.2a2.6 2.6 0 0 1 0 3.6"],
  archive: ["M2.5 3h11v3h-11z", "M3.5 6v7h9V6", "M6.5 9h3"],
  model: ["M8 2.2 13 5v6l-5 2.8L3 11V5z", "M3 5l5 2.9L13 5", "M8 7.9v5.9"],
};

/** Icons with a filled part: the second colour-free sign of a status. */
const FILLED = {
  in_progress: ["M8 3a5 5 0 1 0 0 10A5 5 0 0 0 8 3z", "M8 3a5 5 0 0 1 0 10z"],
  done: ["M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11z"],
};

const SVG = "http://www.w3.org/2000/svg";

/**
 * @param {string} name one of the names above
 * @returns {SVGSVGElement}
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  const draw = (d, className) => {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    if (className) path.setAttribute("class", className);
    svg.append(path);
  };
  if (name === "done") {
    draw(FILLED.done[0], "solid");
    draw("m5.4 8.3 1.9 1.9 3.4-3.8", "knockout");
  } else if (name === "in_progress") {
    draw(FILLED.in_progress[0]);
    draw(FILLED.in_progress[1], "solid");
  } else {
    for (const d of PATHS[name]) draw(d);
  }
  return svg;
}
