/**
 * The canvas: one picture, the masks on it, the prompt on top, and the hand's work on them.
 *
 * Layers of one size lie on one another (picture, saved instances, proposals, the proposals that are selected or under
 * the pointer, candidate, prompt), so that a moving pointer repaints a few lines and an answer repaints one mask. The
 * uppermost is the element #canvas. Nothing here talks to the server: gestures go out through the handlers, and what is
 * to be seen comes in through render().
 */

import { Gestures } from "./gestures.js";
import { closeLevels, loadLevels } from "./levels.js";
import { ShapeCache } from "./masks.js";
import {
  candidateStyle,
  ghostStyle,
  instanceStyle,
  paintBox,
  paintCrosshair,
  paintPicture,
  paintPoint,
  paintShape,
  paintTag,
  PROPOSAL_COLOR,
  proposalStyle,
  recededStyle,
} from "./painting.js";
import { Viewport } from "./viewport.js";

/**
 * @typedef {import("./masks.js").Rle} Rle
 *
 * @typedef {object} View
 * @property {{x: number, y: number, label: 0|1, pending?: boolean}[]} points  original pixels
 * @property {[number, number, number, number]|null} box  x0, y0, x1, y1, original pixels, both corners inside
 * @property {{rle: Rle, color: string}|null} candidate
 * @property {{rle: Rle, color: string}|null} ghost  the candidate that is being looked at in the list
 * @property {{id: number, rle: Rle, color: string, number: number, name: string}[]} instances  colour as #rrggbb
 * @property {{id: number, rle: Rle, area: number, bbox_xywh: number[], overlap: number}[]} proposals  in the order of their numbers
 * @property {number[]} selectedProposals  ids
 * @property {number|null} hoveredProposal
 * @property {number|null} hoveredId
 * @property {number|null} selectedId
 * @property {number|null} editing  id of the instance whose mask the next save replaces
 * @property {number} revision
 * @property {0|1} tapLabel  what a tap of a finger or pen means
 *
 * @typedef {object} Handlers  every place is a pixel of the original picture, whole numbers
 * @property {(point: {x: number, y: number, label: 0|1}) => void} onPoint
 * @property {(box: {x0: number, y0: number, x1: number, y1: number}) => void} onBox
 * @property {(id: number, more: boolean) => void} onPick  a proposal was clicked; `more`: with Shift
 * @property {(box: {x0: number, y0: number, x1: number, y1: number}) => void} onBand  a box drawn with Shift over proposals
 * @property {(move: {index: number, x: number, y: number}) => void} onMovePoint
 * @property {(which: {index: number}) => void} onDeletePoint
 * @property {(place: {x: number, y: number}|null) => void} onHover
 * @property {(view: {zoom: number, fitted: boolean}) => void} onView  zoom in CSS pixels per original pixel
 */

const NOTHING = Object.freeze({
  points: [],
  box: null,
  candidate: null,
  ghost: null,
  instances: [],
  proposals: [],
  selectedProposals: [],
  hoveredProposal: null,
  hoveredId: null,
  selectedId: null,
  editing: null,
  revision: null,
  tapLabel: 1,
});

const LAYERS = ["picture", "instances", "proposals", "marked", "candidate", "prompts"];
const MASKS = new Set(LAYERS.slice(1, -1));
const COSTLY = ["proposals", "marked"]; // hundreds of outlines take longer to paint than a frame lasts
const FEW = 12; // so many proposals are painted quickly enough
const REST_MS = 120;
const OVERLAPS = 0.05; // IoU with something saved, from which on a proposal is drawn dashed

/**
 * Builds the canvas inside `host`, which must have a size of its own.
 *
 * For tests and benchmarks the element's dataset carries imageId, revision (asked to be shown), painted (revision that
 * is on the screen) and view (JSON {scale, x, y}: screen = x + scale * image, CSS pixels from the canvas's corner).
 *
 * @param {HTMLElement} host
 * @param {Partial<Handlers>} handlers
 */
export function createCanvas(host, handlers) {
  const viewport = new Viewport();
  const shapes = new ShapeCache();
  const layers = {};
  let view = NOTHING;
  let levels = []; // ImageBitmaps of the display picture, each half the size of the one before
  let shown = false; // the picture of the present view is there
  let hidden = false; // masks, while H is held
  let ratio = 1;
  let loading = 0;
  let frame = 0;
  let resting = 0;
  let reported = "";

  host.classList.add("canvas-host");
  for (const name of LAYERS) {
    const canvas = document.createElement("canvas");
    canvas.className = `canvas-${name}`;
    host.append(canvas);
    layers[name] = { canvas, context: canvas.getContext("2d"), dirty: true };
  }
  const { canvas } = layers.prompts;
  canvas.id = "canvas";
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "application");
  canvas.setAttribute(
    "aria-label",
    "Picture. Click an object to mark it, right click to mark what is not part of it, drag to draw a box.",
  );
  for (const name of LAYERS.slice(0, -1)) layers[name].canvas.setAttribute("aria-hidden", "true");

  const invalidate = (...names) => {
    for (const name of names) layers[name].dirty = true;
    frame ||= requestAnimationFrame(paint);
  };
  /** The view moved. Many proposals are shifted and scaled as they are, and painted anew when it rests. */
  function moved() {
    clearTimeout(resting);
    if (view.proposals.length <= FEW) return invalidate(...LAYERS);
    invalidate(...LAYERS.filter((name) => !COSTLY.includes(name)));
    resting = setTimeout(() => invalidate(...COSTLY), REST_MS);
  }

  const gestures = new Gestures(canvas, viewport, {
    handlers,
    ready: () => shown,
    points: () => view.points,
    tapLabel: () => view.tapLabel,
    proposalAt: (place) => (view.proposals.length ? proposalAt(place) : null),
    picking: () => view.proposals.length > 0,
    changed: () => invalidate("prompts"),
    moved,
  });

  /** A mask's shape, or null with a word in the console: one broken mask must not take the others along. */
  const shapeOf = (rle) => {
    try {
      return shapes.get(rle);
    } catch (error) {
      console.error("A mask cannot be shown.", error);
      return null;
    }
  };

  /** Id of the smallest proposal at a pixel of the picture, or null. */
  function proposalAt({ x, y }) {
    let [found, least] = [null, Infinity];
    for (const { id, rle, area, bbox_xywh: [left, top, width, height] } of view.proposals) {
      if (area >= least || x < left || y < top || x >= left + width || y >= top + height) continue;
      const shape = shapeOf(rle);
      if (!shape) continue;
      const across = ((x + 0.5) * shape.size.width) / viewport.imageWidth;
      const down = ((y + 0.5) * shape.size.height) / viewport.imageHeight;
      // a shape that is all edges has no path: its box does
      if (shape.raster || layers.proposals.context.isPointInPath(shape.path(true), across, down, "evenodd")) [found, least] = [id, area];
    }
    return found;
  }

  function paintProposal(surface, proposal, marks = {}) {
    const shape = shapeOf(proposal.rle);
    if (shape) paintShape(surface, shape, proposalStyle({ overlaps: proposal.overlap >= OVERLAPS, ...marks }));
  }

  function paintNumbers(surface, chosen = () => true, strong = false) {
    view.proposals.forEach((proposal, place) => {
      const shape = chosen(proposal) && shapeOf(proposal.rle);
      if (shape) paintTag(surface, shape, { text: String(place + 1), color: PROPOSAL_COLOR, strong });
    });
  }

  /** The instances that can be shown, in the order they are painted: emphasised ones last. */
  const instances = () =>
    view.instances
      .map((instance) => {
        const { id } = instance;
        const emphasis = {
          hovered: id === view.hoveredId,
          selected: id === view.selectedId,
          editing: id === view.editing,
        };
        const rank = Number(emphasis.hovered) + 2 * Number(emphasis.selected);
        return { instance, shape: shapeOf(instance.rle), emphasis, rank };
      })
      .filter(({ shape }) => shape)
      .sort((a, b) => a.rank - b.rank);

  const painters = {
    picture(surface) {
      if (levels.length) paintPicture(surface, levels);
    },
    instances(surface) {
      for (const { instance, shape, emphasis } of instances()) {
        paintShape(surface, shape, instanceStyle(instance.color, emphasis));
      }
    },
    proposals(surface) {
      for (const proposal of view.proposals) paintProposal(surface, proposal);
      paintNumbers(surface);
    },
    marked(surface) {
      const selected = new Set(view.selectedProposals);
      const isMarked = ({ id }) => id === view.hoveredProposal || selected.has(id);
      for (const proposal of view.proposals.filter(isMarked)) {
        paintProposal(surface, proposal, { hovered: proposal.id === view.hoveredProposal, selected: selected.has(proposal.id) });
      }
      paintNumbers(surface, isMarked, true);
    },
    candidate(surface) {
      const { candidate, ghost } = view;
      const apart = ghost && ghost.rle.counts !== candidate?.rle.counts;
      const shape = candidate && shapeOf(candidate.rle);
      if (shape) paintShape(surface, shape, (apart ? recededStyle : candidateStyle)(candidate.color));
      const other = apart && shapeOf(ghost.rle);
      if (other) paintShape(surface, other, ghostStyle(ghost.color));
      for (const { instance, shape, emphasis } of instances()) {
        const strong = emphasis.hovered || emphasis.selected;
        const text = strong ? `${instance.number} ${instance.name}`.trim() : String(instance.number);
        paintTag(surface, shape, { text, color: instance.color, strong });
      }
    },
    prompts(surface) {
      const { drag, hover, hoverPoint } = gestures;
      const live = ["box", "band"].includes(drag?.kind) ? viewport.box(drag.start, drag.at) : null;
      if (hover && !drag && hoverPoint === null && !gestures.panning && viewport.holds(viewport.toImage(hover))) {
        paintCrosshair(surface, hover);
      }
      if (view.box) {
        const [x0, y0, x1, y1] = view.box;
        paintBox(surface, { x0, y0, x1, y1 }, { receded: Boolean(live) });
      }
      if (live) paintBox(surface, live, { live: true });
      view.points.forEach((point, index) => {
        const held = drag?.kind === "move" && drag.index === index;
        const place = held ? viewport.pixel(gestures.movedTo(drag)) : point;
        const hovered = held || (!drag && hoverPoint === index);
        paintPoint(surface, { ...point, ...place, label: point.label }, { hovered, erase: hovered && gestures.erasing });
      });
    },
  };

  function paint() {
    frame = 0;
    if (gestures.ease()) moved();
    for (const name of LAYERS) {
      const layer = layers[name];
      if (!layer.dirty) {
        if (COSTLY.includes(name)) follow(layer);
        continue;
      }
      layer.dirty = false;
      layer.paintedAt = { ...viewport };
      layer.canvas.style.transform = "";
      layer.context.clearRect(0, 0, layer.canvas.width, layer.canvas.height);
      if (name !== "picture" && (!shown || (hidden && MASKS.has(name)))) continue;
      painters[name]({ context: layer.context, viewport, ratio });
    }
    report();
    if (shown && view.revision !== null) announce(view.revision);
  }

  /** Lays what was painted under another view where it belongs under this one. */
  function follow({ canvas: { style }, paintedAt }) {
    const grown = viewport.scale / paintedAt.scale;
    style.transform = `translate(${viewport.x - grown * paintedAt.x}px, ${viewport.y - grown * paintedAt.y}px) scale(${grown})`;
  }

  /** Says in the dataset what is on the screen, in the first task after the frame was handed over. */
  function announce(revision) {
    if (canvas.dataset.painted === String(revision)) return;
    const turn = loading;
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      if (turn === loading) canvas.dataset.painted = String(revision);
      port1.close();
    };
    port2.postMessage(null);
  }

  function report() {
    const { scale, x, y, fitted } = viewport;
    const now = JSON.stringify({ scale, x, y });
    if (now === reported) return;
    reported = now;
    canvas.dataset.view = now;
    handlers.onView?.({ zoom: scale, fitted });
  }

  const sizes = new ResizeObserver(([entry]) => {
    const { width, height } = entry.contentRect;
    const device = entry.devicePixelContentBoxSize?.[0];
    const wide = devicePixels(width, device?.inlineSize);
    const high = devicePixels(height, device?.blockSize);
    ratio = width ? wide / width : devicePixelRatio;
    for (const layer of Object.values(layers)) {
      layer.canvas.width = wide;
      layer.canvas.height = high;
      layer.dirty = true;
    }
    viewport.resize(width, height);
    if (frame) cancelAnimationFrame(frame);
    paint(); // at once: a canvas that was given a size is empty until it is painted
  });
  try {
    sizes.observe(canvas, { box: "device-pixel-content-box" });
  } catch {
    sizes.observe(canvas); // Safari: no such box, the ratio is multiplied by hand
  }
  canvas.addEventListener("contextrestored", () => invalidate(...LAYERS));

  return {
    /**
     * Shows another picture, fitted; masks and prompt are empty until the next render(). Until it is decoded the old
     * picture stays, dimmed, and gestures do nothing. Resolves to false if another picture was asked for meanwhile.
     *
     * @param {{url: string, width: number, height: number, displayHw: [number, number], imageId: number}} image
     * @returns {Promise<boolean>}
     * @throws {Error} (as a rejection) if the picture cannot be loaded
     */
    async showImage({ url, width, height, imageId }) {
      const turn = (loading += 1);
      shown = false;
      view = NOTHING;
      gestures.cancel();
      host.classList.add("is-loading");
      delete canvas.dataset.painted;
      delete canvas.dataset.revision;
      canvas.dataset.imageId = String(imageId);
      invalidate(...MASKS, "prompts");
      try {
        const loaded = await loadLevels(url);
        if (turn !== loading) {
          closeLevels(loaded);
          return false;
        }
        closeLevels(levels);
        levels = loaded;
        shown = true;
        viewport.setImage(width, height);
        return true;
      } catch (error) {
        if (turn !== loading) return false;
        closeLevels(levels);
        levels = [];
        throw new Error(`The picture ${url} cannot be shown.`, { cause: error });
      } finally {
        if (turn === loading) {
          host.classList.remove("is-loading");
          invalidate(...LAYERS);
        }
      }
    },

    /** @param {Partial<View>} next  all that is to be seen on the present picture */
    render(next) {
      const before = view;
      view = { ...NOTHING, ...next };
      if (view.revision !== null) canvas.dataset.revision = String(view.revision);
      gestures.pointsChanged(before.points);
      invalidate("prompts");
      if (before.proposals !== view.proposals) invalidate("proposals", "marked");
      if (before.selectedProposals !== view.selectedProposals || before.hoveredProposal !== view.hoveredProposal) invalidate("marked");
      if (!sameMask(before.candidate, view.candidate) || !sameMask(before.ghost, view.ghost)) invalidate("candidate");
      if (!sameInstances(before, view)) invalidate("instances", "candidate"); // the number tags lie over both
    },

    fit() {
      viewport.fit();
      moved();
    },

    /** Where a box (x, y, width, height in pixels of the original) would be a speck, goes near it. */
    reveal(box) {
      viewport.reveal(box);
      moved();
    },

    /** Id of the proposal at a pixel of the picture, or null. */
    proposalAt,

    /** Zooms about the middle of the canvas. */
    zoomBy(factor) {
      viewport.zoomAt(factor, viewport.width / 2, viewport.height / 2);
      moved();
    },

    setMasksHidden(value) {
      hidden = Boolean(value);
      invalidate(...MASKS);
    },

    /** While true (space is held) the left button pans. */
    setPanning(value) {
      gestures.setPanning(Boolean(value));
      invalidate("prompts");
    },

    destroy() {
      loading += 1;
      if (frame) cancelAnimationFrame(frame);
      clearTimeout(resting);
      sizes.disconnect();
      gestures.destroy();
      closeLevels(levels);
      for (const layer of Object.values(layers)) layer.canvas.remove();
      host.classList.remove("canvas-host", "is-loading");
    },
  };
}

/**
 * Device pixels along a side of `length` CSS pixels: what the browser measured, unless it has not (Safari) or measured
 * without the ratio that it reports (Chromium while it emulates another screen).
 */
function devicePixels(length, measured = NaN) {
  const reckoned = length * devicePixelRatio;
  return Math.abs(measured - reckoned) <= 1 ? measured : Math.round(reckoned);
}

function sameMask(a, b) {
  return a === b || (a && b && a.rle.counts === b.rle.counts && a.color === b.color);
}

function sameInstances(a, b) {
  if (a.hoveredId !== b.hoveredId || a.selectedId !== b.selectedId || a.editing !== b.editing) return false;
  if (a.instances === b.instances) return true;
  return (
    a.instances.length === b.instances.length &&
    a.instances.every((one, index) => {
      const other = b.instances[index];
      return one.id === other.id && one.number === other.number && one.name === other.name && sameMask(one, other);
    })
  );
}
