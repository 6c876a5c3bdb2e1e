/** A picture's state as the labeler sees it: the server's newest answer, and on top of it what is still on its way. */

/** Steps after which the candidates on the page are no answer to the prompt any more. */
const PROMPTS = new Set(["point", "box", "move_point", "delete_point"]);

/** Whether an answer that comes while these wait is out of date already. */
export function outdates(actions) {
  return actions.some((action) => PROMPTS.has(action.kind) || ["clear", "commit", "undo", "redo", "edit_instance"].includes(action.kind));
}

/**
 * Take a newer STATE; what it leaves out as unchanged is kept from the older one.
 *
 * @param {object|null} older of the same picture
 * @param {object} newer
 * @param {boolean} outdated newer actions wait: its candidates would be gone before they are seen
 */
export function merge(older, newer, outdated = false) {
  if (!older) return { ...newer, instances: newer.instances ?? [] };
  const merged = { ...newer, instances: newer.instances ?? older.instances, change_id: newer.change_id ?? older.change_id };
  if (outdated) Object.assign(merged, { candidates: older.candidates, chosen: older.chosen });
  return merged;
}

/**
 * The state as it will be, as far as the page can know, when the server has recorded `actions`.
 *
 * @param {object} state STATE with instances
 * @param {object[]} actions
 */
export function foreseen(state, actions) {
  return actions.reduce((before, action) => (STEPS[action.kind] ?? keep)(before, action), state);
}

const keep = (state) => state;
const EMPTY = { points: [], box: null, candidates: null, chosen: null, editing: null, editing_version: null, steps: [], encoding: null };
const undoable = (name) => ({ can_undo: true, undo_name: name, can_redo: false, redo_name: null });

const STEPS = {
  point: (state, { x, y, label }) => ({
    ...state,
    ...undoable(label ? "foreground point" : "background point"),
    points: [...state.points, { x, y, label, pending: true }],
  }),
  box: (state, { x0, y0, x1, y1 }) => ({ ...state, ...undoable("box"), box: [x0, y0, x1, y1] }),
  move_point: (state, { index, x, y }) => ({
    ...state,
    ...undoable("moved point"),
    points: state.points.map((point, place) => (place === index ? { ...point, x, y, pending: true } : point)),
  }),
  delete_point: (state, { index }) => ({
    ...state,
    ...undoable("deleted point"),
    points: state.points.filter((_, place) => place !== index),
  }),
  clear: (state) => ({ ...state, ...undoable("cleared prompt"), ...EMPTY }),
  choose: (state, { candidate }) => ({ ...state, ...undoable("chosen candidate"), chosen: candidate }),
  commit: (state, action) => ({ ...state, ...undoable("saved instance"), ...EMPTY, instances: saved(state, action) }),
  delete_instance: (state, { instance_id: id }) => ({
    ...state,
    ...undoable("deleted instance"),
    instances: state.instances.filter((instance) => instance.id !== id),
  }),
  accept_proposals: (state) => ({ ...state, ...undoable("naming of proposals") }),
  reject_proposals: (state) => ({ ...state, ...undoable("rejection of proposals") }),
  set_category: (state, { instance_id: id, category_id }) => ({
    ...state,
    ...undoable("changed category"),
    instances: state.instances.map((instance) => (instance.id === id ? { ...instance, category_id } : instance)),
  }),
};

/** The instances once the chosen candidate is saved: shown at once, with the server's own id when it has answered. */
function saved(state, { op_id, category_id }) {
  const candidate = state.candidates?.[state.chosen];
  if (!candidate || state.points.some((point) => point.pending)) return state.instances;
  const { area, bbox_xywh, predicted_iou, rle } = candidate;
  const instance = { id: state.editing ?? `new-${op_id}`, category_id, area, bbox_xywh, predicted_iou, rle, pending: true };
  if (state.editing === null) return [...state.instances, instance];
  return state.instances.map((known) => (known.id === state.editing ? instance : known));
}

/** Whether a prompt is open: something to clear, and perhaps to save. */
export function hasPrompt(state) {
  return Boolean(state && (state.points.length > 0 || state.box || state.candidates));
}
