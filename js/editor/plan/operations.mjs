// @ts-check
// What the artist does with many keyframes at once. Locked ones and frame 0 stay where they are, nothing lands on
// anything else, and the count stays. Each function returns {plan, frames}: the new plan and where the given
// keyframes are in it, ascending. Kinds and sources follow rules.mjs.

import { EDIT, PlanError, REFILL, framesOf, keyframeAt, newKeyframe, withKeyframes } from "./plan.mjs";
import { changeable, changedOwn, movedTo, setKind } from "./rules.mjs";
import { evenly, roomiestFrames } from "./fill_gaps.mjs";

/** @import { Keyframe, Plan } from "./plan.mjs" */
/** @typedef {{ plan: Plan, frames: number[] }} Moved the new plan, and where the given keyframes are in it */

/**
 * Moves keyframes by `delta` frames, all by the same. If one would leave the clip or land on one that stays, they stop
 * at the last place on the way where all of them fit, as a single one does (rules.mjs, nearestFree).
 * @param {Plan} plan @param {number[]} frames @param {number} delta @returns {Moved}
 */
export function moveTogether(plan, frames, delta) {
  const moving = movableOf(plan, frames);
  return placed(plan, frames, moving, farthest(plan, moving, delta));
}

/**
 * As moveTogether with all keyframes, but kinds stay: the times were wrong, not the kinds.
 * @param {Plan} plan @param {number} delta @returns {Moved}
 */
export function shiftAll(plan, delta) {
  const frames = framesOf(plan);
  const moving = movableOf(plan, frames);
  const shifted = (/** @type {Keyframe} */ keyframe, /** @type {number} */ frame) =>
    frame === keyframe.frame ? keyframe : { ...keyframe, frame, source: EDIT };
  return placed(plan, frames, moving, farthest(plan, moving, delta), shifted);
}

/**
 * Stretches keyframes away from the frame `anchor` or towards it; factor > 0, 1 leaves all where it is. If two would
 * meet, or one would land on one that stays or outside, the stretch nearest to the wanted one is taken.
 * @param {Plan} plan @param {number[]} frames @param {number} anchor @param {number} factor @returns {Moved}
 */
export function scaleTogether(plan, frames, anchor, factor) {
  const moving = movableOf(plan, frames);
  const unchanged = { plan, frames: sorted(frames) };
  // the one that is farthest from the anchor moves most: its frame represents the factor
  const end = moving.reduce((a, b) => (Math.abs(b - anchor) > Math.abs(a - anchor) ? b : a), anchor);
  if (end === anchor) return unchanged;
  const fits = fitting(plan, moving);
  const targetsFor = (/** @type {number} */ to) =>
    moving.map((frame) => Math.floor(anchor + ((frame - anchor) * (to - anchor)) / (end - anchor) + 0.5));
  // nothing outside the clip is tried, however far the pointer is
  const wanted = Math.max(-1, Math.min(plan.n_frames, anchor + (end - anchor) * Math.max(0, factor)));
  const step = Math.sign(end - wanted);
  for (let to = wanted; step * (end - to) > 0; to = step > 0 ? Math.floor(to) + 1 : Math.ceil(to) - 1) {
    const targets = targetsFor(to);
    if (fits(targets)) return placed(plan, frames, moving, targets);
  }
  return unchanged;
}

/**
 * Deletes keyframes and puts as many fills, one by one, to the roomiest free frames. Throws if none can be deleted.
 * @param {Plan} plan @param {number[]} frames @returns {Moved}
 */
export function deleteAll(plan, frames) {
  const deleted = movableOf(plan, frames);
  if (!deleted.length) changeable(plan, refused(frames), "deleted");
  if (plan.count === plan.n_frames) {
    throw new PlanError(
      `Nothing can be deleted: each of the ${plan.n_frames} frames is a keyframe. ` +
        "Lower the count in Select Keyframes instead.",
    );
  }
  const removed = new Set(deleted);
  const left = plan.keyframes.filter((keyframe) => !removed.has(keyframe.frame));
  const room = roomiestFrames(removed.size, framesOf({ keyframes: left }), { nFrames: plan.n_frames, removed });
  const refills = room.map((frame) => newKeyframe(frame, "fill", REFILL));
  return { plan: withKeyframes(plan, [...left, ...refills]), frames: sorted(frames).filter((f) => !removed.has(f)) };
}

/**
 * Locks or unlocks keyframes.
 * @param {Plan} plan @param {number[]} frames @param {boolean} locked @returns {Moved}
 */
export function lockAll(plan, frames, locked) {
  return changed(plan, frames, (keyframe) => ({ ...keyframe, locked }));
}

/**
 * Gives keyframes these words or this image; "" takes it away.
 * @param {Plan} plan @param {number[]} frames @param {{ prompt: string } | { image: string }} own @returns {Moved}
 */
export function setAllOwn(plan, frames, own) {
  return changed(plan, frames, (keyframe) => changedOwn(keyframe, own));
}

/**
 * Gives keyframes another kind; frame 0 stays 'first'. Throws if nothing else was given, or for an unknown kind.
 * @param {Plan} plan @param {number[]} frames @param {string} kind @returns {Moved}
 */
export function setKinds(plan, frames, kind) {
  setKind(plan, refused(frames), kind); // what it refuses for one, it refuses for all
  return changed(plan, frames, (keyframe) =>
    keyframe.frame === 0 || keyframe.kind === kind ? keyframe : { ...keyframe, kind, source: EDIT },
  );
}

/**
 * Spreads keyframes evenly between the first and the last of them and around locked ones; all of the plan if fewer than
 * three are given. What is not given and is in between keeps its place.
 * @param {Plan} plan @param {number[]} frames @returns {Moved}
 */
export function distributeEvenly(plan, frames) {
  const given = frames.length < 3 ? framesOf(plan) : sorted(frames);
  const pinned = given.filter((frame, i) => i === 0 || i === given.length - 1 || keyframeAt(plan, frame)?.locked);
  const among = new Set(given);
  const taken = new Set(framesOf(plan).filter((frame) => !among.has(frame)));
  /** @type {number[]} */
  const moving = [];
  /** @type {number[]} */
  const targets = [];
  for (let i = 1; i < pinned.length; i++) {
    const between = given.filter((frame) => frame > pinned[i - 1] && frame < pinned[i]);
    moving.push(...between);
    targets.push(...(evenly(pinned[i - 1], pinned[i], between.length, taken) ?? between));
  }
  return placed(plan, frames, moving, targets);
}

/**
 * Moves each keyframe to its nearest onset, all of the plan if none are given. Where several have the same nearest one
 * the nearest of them gets it and the others stay, so none pass each other and none share.
 * @param {number[]} onsets frames
 * @param {Plan} plan @param {number[]} frames @returns {Moved}
 */
export function snapAll(plan, frames, onsets) {
  const given = frames.length ? sorted(frames) : framesOf(plan);
  const moving = movableOf(plan, given);
  const targets = sorted(onsets).filter((onset) => onset >= 0 && onset < plan.n_frames);
  const taken = staying(plan, moving);
  const winner = new Map(); // onset -> the keyframe's frame that gets it
  for (const frame of moving) {
    const onset = nearest(targets, frame);
    if (onset === null || taken.has(onset)) continue;
    const rival = winner.get(onset);
    if (rival === undefined || Math.abs(onset - frame) < Math.abs(onset - rival)) winner.set(onset, frame);
  }
  const onsetOf = new Map([...winner].map(([onset, frame]) => [frame, onset]));
  return placed(
    plan,
    frames,
    moving,
    moving.map((frame) => onsetOf.get(frame) ?? frame),
  );
}

/**
 * The frames of those keyframes, ascending, that may be moved or deleted.
 * @param {Plan} plan @param {number[]} frames @returns {number[]}
 */
const movableOf = (plan, frames) => sorted(frames).filter((f) => f !== 0 && keyframeAt(plan, f)?.locked === false);

/** @param {Iterable<number>} frames @returns {number[]} */
const sorted = (frames) => [...new Set(frames)].sort((a, b) => a - b);

/**
 * The frame that a refusal speaks of: any other rather than frame 0.
 * @param {number[]} frames @returns {number}
 */
const refused = (frames) => /** @type {number} */ (sorted(frames).at(-1));

/** @param {Plan} plan @param {number[]} frames @param {(keyframe: Keyframe) => Keyframe} change @returns {Moved} */
function changed(plan, frames, change) {
  const chosen = new Set(frames);
  const keyframes = plan.keyframes.map((keyframe) => (chosen.has(keyframe.frame) ? change(keyframe) : keyframe));
  return { plan: withKeyframes(plan, keyframes), frames: sorted(frames) };
}

/**
 * Frames of the keyframes that do not move.
 * @param {Plan} plan @param {number[]} moving @returns {Set<number>}
 */
function staying(plan, moving) {
  const taken = new Set(framesOf(plan));
  for (const frame of moving) taken.delete(frame);
  return taken;
}

/**
 * A function that says whether ascending keyframes may be at these frames, in the same order.
 * @param {Plan} plan @param {number[]} moving @returns {(targets: number[]) => boolean}
 */
function fitting(plan, moving) {
  const taken = staying(plan, moving);
  return (targets) =>
    targets[0] >= 0 &&
    targets[targets.length - 1] < plan.n_frames &&
    targets.every((frame, i) => !taken.has(frame) && (i === 0 || frame > targets[i - 1]));
}

/**
 * Where ascending keyframes get when moved by `delta` together, or as far on the way as all of them fit.
 * @param {Plan} plan @param {number[]} moving @param {number} delta @returns {number[]}
 */
function farthest(plan, moving, delta) {
  if (!moving.length) return [];
  const taken = staying(plan, moving);
  let by = Math.max(-moving[0], Math.min(plan.n_frames - 1 - moving[moving.length - 1], Math.round(delta)));
  while (moving.some((frame) => taken.has(frame + by))) by -= Math.sign(by);
  return moving.map((frame) => frame + by);
}

/**
 * {plan, frames} with the keyframes at `moving` put at `targets`, one by one.
 * @param {Plan} plan @param {number[]} frames @param {number[]} moving @param {number[]} targets
 * @param {(keyframe: Keyframe, frame: number) => Keyframe} [put] @returns {Moved}
 */
function placed(plan, frames, moving, targets, put = movedTo) {
  const to = new Map(moving.map((frame, i) => [frame, targets[i]]));
  const newFrames = sorted(sorted(frames).map((frame) => to.get(frame) ?? frame));
  if (moving.every((frame, i) => frame === targets[i])) return { plan, frames: newFrames };
  const keyframes = plan.keyframes.map((keyframe) => put(keyframe, to.get(keyframe.frame) ?? keyframe.frame));
  return { plan: withKeyframes(plan, keyframes), frames: newFrames };
}

/**
 * The nearest of ascending frames, the earlier of two; null without any.
 * @param {number[]} targets @param {number} frame @returns {number | null}
 */
function nearest(targets, frame) {
  let best = null;
  for (const target of targets) {
    if (best === null || Math.abs(target - frame) < Math.abs(best - frame)) best = target;
    if (target > frame) break;
  }
  return best;
}
