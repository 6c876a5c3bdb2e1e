/** The border of a mask: closed loops along the edges of its pixels, and the paths that are drawn along them. */

const TIP = Math.SQRT1_2; // pixels cut off both sides of a right angle: half a pixel off its tip
const LONGEST_CUT = 8; // pixels; a longer side stays straight in its middle

/**
 * The borders of a mask along its pixels' edges, inside on the right hand; pixels that touch at a corner only are kept
 * apart. Corners alone are listed.
 *
 * @param {import("./masks.js").Mask} mask
 * @returns {Int32Array[]} one closed loop each: x0, y0, x1, y1, … in pixels of the whole mask
 */
export function traceLoops({ bbox, bits, tops }) {
  const [left, top, , boxHeight] = bbox;
  const stride = boxHeight + 2;
  // Seen from a corner, with `at` the pixel below right of it: for each heading (right, down, left, up) the pixels ahead
  // to the right and to the left, and the step to the next corner.
  const aheadRight = [0, -stride, -stride - 1, -1];
  const aheadLeft = [-1, 0, -stride, -stride - 1];
  const step = [stride, 1, -stride, -1];
  const stepX = [1, 0, -1, 0];
  const stepY = [0, 1, 0, -1];
  const seen = new Uint8Array(bits.length); // pixels whose upper edge is in a loop already
  const loops = [];
  for (const start of tops) {
    if (seen[start] || bits[start - 1]) continue;
    const corners = [];
    let at = start;
    let heading = 0;
    let x = left + Math.floor(start / stride) - 1;
    let y = top + (start % stride) - 1;
    do {
      if (heading === 0) seen[at] = 1;
      at += step[heading];
      x += stepX[heading];
      y += stepY[heading];
      if (!bits[at + aheadRight[heading]]) heading = (heading + 1) & 3;
      else if (bits[at + aheadLeft[heading]]) heading = (heading + 3) & 3;
      else continue;
      corners.push(x, y);
    } while (at !== start || heading !== 0);
    loops.push(Int32Array.from(corners));
  }
  return loops;
}

/**
 * @param {Int32Array[]} loops
 * @returns {Path2D} exactly along the pixels' edges
 */
export function edgePath(loops) {
  const path = new Path2D();
  for (const loop of loops) {
    path.moveTo(loop[0], loop[1]);
    for (let i = 2; i < loop.length; i += 2) path.lineTo(loop[i], loop[i + 1]);
    path.closePath();
  }
  return path;
}

/**
 * The same borders with their corners cut off, so that stairs become straight lines; nowhere is more than half a pixel
 * lost or won. A corner beside a step of one pixel is cut in the middle of both its sides, any other close to its tip.
 *
 * @param {Int32Array[]} loops
 * @returns {Path2D}
 */
export function smoothPath(loops) {
  const path = new Path2D();
  for (const loop of loops) {
    const corners = loop.length;
    let fromX = loop[corners - 2];
    let fromY = loop[corners - 1];
    let lastX = NaN;
    let lastY = NaN;
    const lineTo = (x, y) => {
      if (x === lastX && y === lastY) return;
      if (Number.isNaN(lastX)) path.moveTo(x, y);
      else path.lineTo(x, y);
      lastX = x;
      lastY = y;
    };
    for (let i = 0; i < corners; i += 2) {
      const x = loop[i];
      const y = loop[i + 1];
      const nextX = loop[(i + 2) % corners];
      const nextY = loop[(i + 3) % corners];
      const before = Math.abs(x - fromX) + Math.abs(y - fromY);
      const after = Math.abs(nextX - x) + Math.abs(nextY - y);
      const most = before > 1 && after > 1 ? TIP : LONGEST_CUT;
      const cutBefore = Math.min(before / 2, most) / before;
      const cutAfter = Math.min(after / 2, most) / after;
      lineTo(x + (fromX - x) * cutBefore, y + (fromY - y) * cutBefore);
      lineTo(x + (nextX - x) * cutAfter, y + (nextY - y) * cutAfter);
      fromX = x;
      fromY = y;
    }
    path.closePath();
  }
  return path;
}
