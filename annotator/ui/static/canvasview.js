/** What the canvas has to show, made of what the page knows. */

import { CANDIDATE_COLOR } from "./candidates.js";
import { hasPrompt } from "./session.js";
import { categoryOf } from "./store.js";

const UNKNOWN_COLOR = "#888888";
const NONE = Object.freeze([]);

/**
 * @param {object} state of the store
 * @param {object|null} session STATE as it will be when all that is pending is recorded
 * @returns {Partial<import("./canvas.js").View>}
 */
export function canvasView(state, session) {
  if (!session) return {};
  const { candidates, chosen } = session;
  const of = (index) => (candidates?.[index] ? { rle: candidates[index].rle, color: CANDIDATE_COLOR } : null);
  return {
    points: session.points,
    box: session.box,
    candidate: of(chosen),
    ghost: state.hoveredCandidate === chosen ? null : of(state.hoveredCandidate),
    instances: session.instances.map((instance, place) => {
      const category = categoryOf(state, instance.category_id);
      return { id: instance.id, rle: instance.rle, color: category?.color ?? UNKNOWN_COLOR, number: place + 1, name: category?.name ?? "" };
    }),
    // under an open prompt they would only be in the way
    proposals: state.proposalsOn && !hasPrompt(session) ? state.offered : NONE,
    selectedProposals: state.selectedProposals,
    hoveredProposal: state.hoveredProposal,
    hoveredId: state.hoveredId,
    selectedId: state.selectedId,
    editing: session.editing,
    revision: session.revision,
    tapLabel: state.tapLabel,
  };
}
