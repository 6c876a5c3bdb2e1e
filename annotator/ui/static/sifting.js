/** Which proposals are shown: thresholds and box NMS. The same as `visible` in annotator/automask/sifting.py. */

/**
 * @typedef {{id: number, bbox_xywh: [number, number, number, number], area: number, predicted_iou: number, stability_score: number}} Proposal
 *
 * @param {Proposal[]} proposals highest predicted IoU first
 * @param {{pred_iou_thresh: number, stability_score_thresh: number, min_area: number, box_nms_thresh: number}} sift
 *   a threshold of 0 lets everything pass
 * @returns {Proposal[]} those that pass, less what overlaps a better one, less the small ones; in their order
 */
export function visible(proposals, { pred_iou_thresh: iou, stability_score_thresh: stability, min_area: least, box_nms_thresh: overlap }) {
  const kept = [];
  for (const one of proposals) {
    if ((iou > 0 && one.predicted_iou <= iou) || (stability > 0 && one.stability_score < stability)) continue;
    if (!kept.some((better) => boxIou(better.bbox_xywh, one.bbox_xywh) > overlap)) kept.push(one);
  }
  return kept.filter((one) => one.area >= least);
}

/** Of two boxes from first to last pixel, as segment_anything measures them; rounded to single precision as it does. */
function boxIou([ax, ay, aw, ah], [bx, by, bw, bh]) {
  const across = Math.min(ax + aw, bx + bw) - Math.max(ax, bx) - 1;
  const down = Math.min(ay + ah, by + bh) - Math.max(ay, by) - 1;
  const shared = Math.max(0, across) * Math.max(0, down);
  return Math.fround(shared / ((aw - 1) * (ah - 1) + (bw - 1) * (bh - 1) - shared));
}
