// @ts-check
// An edit brought to another clip: its times kept, or its whole stretched to the new length.

import { PlanError } from "./errors.mjs";
import { mergeTo } from "./merge.mjs";
import { framesOf, planAtFrames } from "./plan.mjs";
import { frameAt, timeAt } from "./timebase.mjs";

/** @import { Edit, EditParts } from "./edit.mjs" */
/** @import { Plan } from "./plan.mjs" */

/**
 * The edit for today's clip, stretched from its own length to this one's, as {plan, base, extra} for writeEdit. What
 * the artist did goes along; the rest follows the prediction. Throws PlanError if it does not fit.
 * @param {Edit} edit @param {Plan} prediction @returns {EditParts}
 */
export function rescaled(edit, prediction) {
  if (!edit.plan) {
    throw new PlanError(
      "Typed frames do not say how long their clip was, so they cannot be stretched; keep those that fit, or type " +
        "others.",
    );
  }
  const { n_frames: nFrames } = prediction;
  const ratio = nFrames / edit.plan.n_frames;
  return carried({ ...edit, plan: edit.plan }, prediction, (frame) =>
    Math.min(nFrames - 1, Math.floor(frame * ratio + 0.5)),
  );
}

/**
 * The edit for today's clip, each keyframe at its own time in seconds and those past the end left out, as {plan, base,
 * extra} for writeEdit. What the artist did goes along; the rest follows the prediction. Throws PlanError if
 * it does not fit.
 * @param {Edit} edit @param {Plan} prediction @returns {EditParts}
 */
export function kept(edit, prediction) {
  if (!edit.plan) {
    const inside = (edit.frames ?? []).filter((frame) => frame < prediction.n_frames);
    return { plan: planAtFrames(inside, prediction), base: null, extra: edit.extra };
  }
  const { fps } = edit.plan;
  return carried({ ...edit, plan: edit.plan }, prediction, (frame) => frameAt(timeAt(frame, fps), prediction.fps));
}

/** @param {EditParts} edit @param {Plan} prediction @param {(frame: number) => number} place @returns {EditParts} */
function carried({ plan, base, extra }, prediction, place) {
  const frames = [...new Set([...framesOf(plan), ...(base ? framesOf(base) : [])])].sort((a, b) => a - b);
  const inside = frames.filter((frame) => place(frame) < prediction.n_frames);
  const targets = apart(inside.map(place), prediction.n_frames);
  const to = new Map(inside.map((frame, i) => [frame, targets[i]]));
  const moved = (/** @type {Plan} */ old) => {
    const staying = old.keyframes.filter(({ frame }) => to.has(frame));
    const keyframes = staying.map((keyframe) => ({ ...keyframe, frame: to.get(keyframe.frame) ?? keyframe.frame }));
    return { ...old, keyframes, count: keyframes.length };
  };
  const [before, edited] = [base ? moved(base) : null, moved(plan)];
  // as merge decides it, but what was cut off with the end of the clip is no change of the number
  const count = base && plan.count === base.count ? prediction.count : Math.max(2, edited.count);
  return { plan: mergeTo(count, before, edited, prediction), base: base && prediction, extra };
}

/**
 * Ascending frames, pushed on where two meet, and back from the end of the clip.
 * @param {number[]} frames @param {number} nFrames @returns {number[]}
 */
function apart(frames, nFrames) {
  if (frames.length > nFrames) {
    throw new PlanError(
      `The edit and its prediction have ${frames.length} keyframes, and this clip only ${nFrames} frames; ` +
        "reset the edit to start anew.",
    );
  }
  const result = [...frames];
  for (let i = 1; i < result.length; i++) result[i] = Math.max(result[i], result[i - 1] + 1);
  for (let i = result.length - 1, last = nFrames - 1; i >= 0; i--, last--) result[i] = Math.min(result[i], last);
  return result;
}
