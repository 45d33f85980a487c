// @ts-check
// How the artist changes a plan, one keyframe at a time. The rules are in the docstring of tests/oracles/plan_rules.py, and
// tests/count_cases.json holds both to the same results. Each function returns a new plan or throws PlanError.

import { PlanError } from "./errors.mjs";
import { shown } from "./json.mjs";
import {
  EDIT,
  KINDS,
  REFILL,
  framesOf,
  isKept,
  keyframeAt,
  newKeyframe,
  wholeFrame,
  withKeyframes,
  withOwn,
} from "./plan.mjs";
import { roomiestFrame } from "./fill_gaps.mjs";

/** @import { Keyframe, Plan } from "./plan.mjs" */

/**
 * The plan with a manual keyframe at a frame, in place of the nearest free one.
 * @param {Plan} plan @param {number} frame @returns {Plan}
 */
export function addKeyframe(plan, frame) {
  wholeFrame(frame, plan.n_frames);
  if (keyframeAt(plan, frame)) {
    throw new PlanError(`There is a keyframe at frame ${frame} already; choose another frame.`);
  }
  const givesWay = nearestFreeKeyframe(plan, frame);
  if (!givesWay) {
    throw new PlanError(
      `No keyframe can give way to one at frame ${frame}: the ${plan.count} of this plan are peaks, placed by ` +
        "hand, locked or have a prompt or an image. Delete or unlock one first, or raise the count in Select Keyframes.",
    );
  }
  return withKeyframes(plan, [...others(plan, givesWay), newKeyframe(frame, "manual", EDIT)]);
}

/**
 * The plan without the keyframe at a frame, and with a fill in the roomiest place.
 * @param {Plan} plan @param {number} frame @returns {Plan}
 */
export function deleteKeyframe(plan, frame) {
  const deleted = changeable(plan, frame, "deleted");
  if (plan.count === plan.n_frames) {
    throw new PlanError(
      `The keyframe at frame ${frame} cannot be deleted: each of the ${plan.n_frames} frames is one. ` +
        "Lower the count in Select Keyframes instead.",
    );
  }
  const left = others(plan, deleted);
  const clip = { nFrames: plan.n_frames, removed: [frame] };
  const refill = roomiestFrame(framesOf({ keyframes: left }), clip) ?? frame; // not every frame is a keyframe
  return withKeyframes(plan, [...left, newKeyframe(refill, "fill", REFILL)]);
}

/**
 * The plan with a keyframe moved to a free frame.
 * @param {Plan} plan @param {number} frame @param {number} to @returns {Plan}
 */
export function moveKeyframe(plan, frame, to) {
  const moved = changeable(plan, frame, "moved");
  wholeFrame(to, plan.n_frames);
  if (to === frame) return plan;
  if (keyframeAt(plan, to)) {
    throw new PlanError(
      `The keyframe at frame ${frame} cannot move to frame ${to}: there is one already. ` +
        `Stop at frame ${nearestFree(plan, frame, to)}.`,
    );
  }
  return withKeyframes(plan, [...others(plan, moved), movedTo(moved, to)]);
}

/**
 * A keyframe moved to another frame by hand; on its own frame it stays what it is.
 * @param {Keyframe} keyframe @param {number} frame @returns {Keyframe}
 */
export function movedTo(keyframe, frame) {
  return frame === keyframe.frame ? keyframe : { ...keyframe, frame, kind: "manual", source: EDIT };
}

/**
 * Where a keyframe dragged from `frame` to `to` stops: the last free frame on the way, or its own.
 * @param {Plan} plan @param {number} frame @param {number} to @returns {number}
 */
export function nearestFree(plan, frame, to) {
  const taken = new Set(framesOf(plan));
  taken.delete(frame);
  const step = to < frame ? 1 : -1;
  while (taken.has(to)) to += step;
  return to;
}

/**
 * The plan with the keyframe at a frame locked or unlocked.
 * @param {Plan} plan @param {number} frame @param {boolean} [locked] @returns {Plan}
 */
export function lockKeyframe(plan, frame, locked = true) {
  return replaced(plan, existing(plan, frame), { locked });
}

/**
 * The plan with the keyframe at a frame given another kind, but 'first'.
 * @param {Plan} plan @param {number} frame @param {string} kind @returns {Plan}
 */
export function setKind(plan, frame, kind) {
  const keyframe = existing(plan, frame);
  if (!KINDS.includes(kind) || kind === "first" || frame === 0) {
    throw new PlanError(
      `The keyframe at frame ${frame} cannot become ${shown(kind)}; frame 0 stays 'first', ` +
        `and every other keyframe is one of ${KINDS.slice(1).join(", ")}.`,
    );
  }
  return kind === keyframe.kind ? plan : replaced(plan, keyframe, { kind, source: EDIT });
}

/**
 * The plan with the keyframe at a frame given words or an image of its own; "" takes it away.
 * @param {Plan} plan @param {number} frame @param {{ prompt: string } | { image: string }} own @returns {Plan}
 */
export function setOwn(plan, frame, own) {
  const keyframe = existing(plan, frame);
  const changed = changedOwn(keyframe, own);
  return changed === keyframe ? plan : withKeyframes(plan, [...others(plan, keyframe), changed]);
}

/**
 * A keyframe given words or an image of its own by hand; the same if it has them already.
 * @param {Keyframe} keyframe @param {{ prompt?: string, image?: string }} own @returns {Keyframe}
 */
export function changedOwn(keyframe, own) {
  const { prompt = "", image = "" } = keyframe;
  const next = { prompt, image, ...own };
  const isSame = next.prompt === prompt && next.image === image;
  return isSame ? keyframe : { ...withOwn(keyframe, own), source: EDIT };
}

/**
 * The keyframe at a frame, if it may be moved or deleted; `verb` is what for. Throws PlanError.
 * @param {Plan} plan @param {number} frame @param {string} verb @returns {Keyframe}
 */
export function changeable(plan, frame, verb) {
  const keyframe = existing(plan, frame);
  if (frame === 0) {
    throw new PlanError(`The keyframe at frame 0 cannot be ${verb}: the video starts with it. Change another one.`);
  }
  if (keyframe.locked) {
    throw new PlanError(`The keyframe at frame ${frame} is locked and cannot be ${verb}; unlock it first.`);
  }
  return keyframe;
}

/** @param {Plan} plan @param {number} frame @returns {Keyframe} */
function existing(plan, frame) {
  const keyframe = keyframeAt(plan, wholeFrame(frame, plan.n_frames));
  if (keyframe) return keyframe;
  const frames = framesOf(plan);
  const listed = frames.slice(0, 24).join(", ") + (frames.length > 24 ? ` and ${frames.length - 24} more` : "");
  throw new PlanError(`There is no keyframe at frame ${frame}; the plan has them at ${listed}.`);
}

/** @param {Plan} plan @param {number} frame @returns {Keyframe | null} */
function nearestFreeKeyframe(plan, frame) {
  for (const kind of ["fill", "valley"]) {
    const free = plan.keyframes.filter(
      (one) => one.kind === kind && !isKept(one) && (kind === "fill" || one.source !== EDIT),
    );
    // the earlier of two equally near ones comes first, and stays
    if (free.length) return free.reduce((a, b) => (Math.abs(b.frame - frame) < Math.abs(a.frame - frame) ? b : a));
  }
  return null;
}

/** @param {Plan} plan @param {Keyframe} keyframe @returns {Keyframe[]} */
const others = (plan, keyframe) => plan.keyframes.filter((candidate) => candidate !== keyframe);

/** @param {Plan} plan @param {Keyframe} keyframe @param {Partial<Keyframe>} changes @returns {Plan} */
const replaced = (plan, keyframe, changes) =>
  withKeyframes(plan, [...others(plan, keyframe), { ...keyframe, ...changes }]);
