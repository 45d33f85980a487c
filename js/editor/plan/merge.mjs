// @ts-check
// The artist's changes to one prediction, carried over to another: the mirror of keyframes/merge.py, whose docstring
// has the rules by number. tests/merge_cases.json holds both to the same results.

import { PlanError, PlanMismatchError } from "./errors.mjs";
import { sameJson } from "./json.mjs";
import { EDIT, REFILL, extraOf, framesOf, isKept, newKeyframe, withKeyframes, without } from "./plan.mjs";
import { TOLERANCE, around, roomiestFrames } from "./fill_gaps.mjs";
import { distinctRates, sameRate } from "./timebase.mjs";

/** @import { Fingerprint, Keyframe, Plan } from "./plan.mjs" */

const EVENTS = ["peak", "valley", "manual"];
const DROP_ORDER = ["fill", "valley", "peak", "manual"];
const LEVELS = 1; // by which a loudness may differ from itself (keyframes/audio/fingerprint.py, TOLERANCE)

/**
 * The plan `next` with the artist's changes (base -> edited) carried over; base may be null.
 * Throws PlanMismatchError if the plans are for another length or rate, PlanError if what the artist placed
 * does not fit into the count.
 * @param {Plan | null} base @param {Plan} edited @param {Plan} next @returns {Plan}
 */
export function merge(base, edited, next) {
  for (const plan of [edited, base ?? edited]) checkSameClip(plan, next);
  const count = base && edited.count === base.count ? next.count : edited.count;
  return mergeTo(count, base, edited, next);
}

/**
 * As merge, with the count decided by the caller and the clip taken to be the same.
 * @param {number} count @param {Plan | null} base @param {Plan} edited @param {Plan} next @returns {Plan}
 */
export function mergeTo(count, base, edited, next) {
  const { userEdits, refills, removed } = changesOf(base, edited);
  const nUserEdits = userEdits.size + 1;
  if (nUserEdits > count) {
    throw new PlanError(
      `The edit keeps ${nUserEdits} keyframes (frame 0 and those placed, changed or locked by hand), but ` +
        `the plan has room for ${count}; raise the count in Select Keyframes to ${nUserEdits}, or delete or ` +
        `unlock ${nUserEdits - count} of them. Nothing was changed.`,
    );
  }
  const followers = predicted(base, next, userEdits, removed);
  const kept = drop(followers, nUserEdits + followers.length - count, [...userEdits.keys()]);
  const result = new Map([...userEdits.values(), ...kept].map((keyframe) => [keyframe.frame, keyframe]));
  result.set(0, first(base, edited, next));
  for (const refill of refills) {
    if (result.size < count && !result.has(refill.frame)) result.set(refill.frame, refill);
  }
  const skipped = framesOf(next).filter((frame) => !result.has(frame));
  const frames = [...result.keys()].sort((a, b) => a - b);
  for (const frame of roomiestFrames(count - result.size, frames, { nFrames: next.n_frames, removed, skipped })) {
    result.set(frame, newKeyframe(frame, "fill", REFILL));
  }
  const { version, fps, n_frames, fingerprint } = next;
  return withKeyframes({ version, fps, n_frames, fingerprint, ...mergedFields(base, edited, next) }, result.values());
}

/**
 * Throws PlanMismatchError unless a plan has the n_frames and fps of the next one.
 * @param {Plan} plan @param {Plan} next
 */
function checkSameClip(plan, next) {
  const back = "or choose Keep, Rescale or Reset in Edit Keyframes. Nothing was changed.";
  if (plan.n_frames !== next.n_frames) {
    throw new PlanMismatchError(
      `The edit was made for a clip of ${plan.n_frames} frames, and this one has ${next.n_frames}; set the length ` +
        `back in Clip Audio, ${back}`,
      "length",
    );
  }
  if (!sameRate(plan.fps, next.fps, next.n_frames)) {
    const [before, now] = distinctRates(plan.fps, next.fps);
    throw new PlanMismatchError(
      `The edit was made at ${before} fps, and this clip has ${now}; set the fps back in Clip Audio, ${back}`,
      "rate",
    );
  }
}

/**
 * Whether two fingerprints may be of one sound; an unknown one (null) may be of any.
 * @param {Fingerprint | null | undefined} a @param {Fingerprint | null | undefined} b @returns {boolean}
 */
export function sameSound(a, b) {
  if (!a || !b) return true;
  if (a.n_frames !== b.n_frames || a.loudness.length !== b.loudness.length) return false;
  return a.loudness.every((level, i) => Math.abs(level - b.loudness[i]) <= LEVELS);
}

/**
 * User edits by frame, refills in order of time, removed frames (rules 1 and 2).
 * @param {Plan | null} base @param {Plan} edited
 * @returns {{ userEdits: Map<number, Keyframe>, refills: Keyframe[], removed: Set<number> }}
 */
function changesOf(base, edited) {
  const before = new Map((base?.keyframes ?? []).map((keyframe) => [keyframe.frame, keyframe]));
  /** @type {Map<number, Keyframe>} */
  const userEdits = new Map();
  /** @type {Keyframe[]} */
  const refills = [];
  const removed = new Set(before.keys());
  for (const { frame } of edited.keyframes) removed.delete(frame);
  for (const keyframe of edited.keyframes.slice(1)) {
    const old = before.get(keyframe.frame);
    const isRefill = keyframe.kind === "fill" && keyframe.source === REFILL && !isKept(keyframe);
    if (old && same(old, keyframe)) {
      if (keyframe.source === EDIT && old.source !== EDIT) userEdits.set(keyframe.frame, keyframe);
    } else if (isRefill && base) {
      refills.push(keyframe);
      if (old) removed.add(keyframe.frame);
    } else {
      userEdits.set(keyframe.frame, keyframe);
    }
  }
  return { userEdits, refills, removed };
}

/** @param {Keyframe} a @param {Keyframe} b @returns {boolean} */
const same = (a, b) => sameJson(without(a, ["frame", "source"]), without(b, ["frame", "source"]));

/**
 * The keyframes of `next` that follow, but frame 0 (rules 3 and 4).
 * @param {Plan | null} base @param {Plan} next @param {Map<number, Keyframe>} userEdits @param {Set<number>} removed
 * @returns {Keyframe[]}
 */
function predicted(base, next, userEdits, removed) {
  const matches = new Map();
  for (const kind of EVENTS) {
    const frames = (/** @type {Plan} */ plan) =>
      framesOf({ keyframes: plan.keyframes.filter((keyframe) => keyframe.kind === kind) });
    for (const [after, before] of base ? matched(frames(base), frames(next)) : []) matches.set(after, before);
  }
  const isTaken = (/** @type {number} */ frame) => userEdits.has(frame) || removed.has(frame);
  const isNearUserEdit = (/** @type {number} */ frame) => around(frame, TOLERANCE).some((near) => userEdits.has(near));
  return next.keyframes.slice(1).filter(({ frame, kind }) => {
    if (isTaken(frame) || isTaken(matches.get(frame) ?? frame)) return false;
    const isNewEvent = (kind === "peak" || kind === "valley") && !matches.has(frame);
    return !(isNewEvent && isNearUserEdit(frame));
  });
}

/**
 * [[next frame, base frame], ...] of the events that are the same one (rule 3). Both lists ascend.
 * @param {number[]} baseFrames @param {number[]} nextFrames @returns {Map<number, number>}
 */
function matched(baseFrames, nextFrames) {
  const known = new Set(nextFrames);
  const pairs = [];
  for (const b of baseFrames) {
    for (const n of around(b, TOLERANCE)) if (known.has(n)) pairs.push([Math.abs(n - b), b, n]);
  }
  pairs.sort((x, y) => x[0] - y[0]); // equally near ones stay in order of base frame, then of next frame
  const [toNext, toBase] = [new Map(), new Map()];
  for (const [, b, n] of pairs) {
    // pairs that could cross this one start at most twice the tolerance away
    const nearby = around(b, 2 * TOLERANCE).filter((x) => toNext.has(x));
    const fits = nearby.every((x) => x !== b && x < b === /** @type {number} */ (toNext.get(x)) < n);
    if (fits && !toBase.has(n)) {
      toNext.set(b, n);
      toBase.set(n, b);
    }
  }
  return toBase;
}

/**
 * The keyframes without as many as are too many (rule 6).
 * @param {Keyframe[]} keyframes @param {number} nTooMany @param {number[]} userFrames @returns {Keyframe[]}
 */
function drop(keyframes, nTooMany, userFrames) {
  if (nTooMany <= 0) return keyframes;
  const order = keyframes.map((keyframe) => {
    const distance = userFrames.reduce((least, frame) => Math.min(least, Math.abs(keyframe.frame - frame)), Infinity);
    return { keyframe, keys: [Number(isKept(keyframe)), DROP_ORDER.indexOf(keyframe.kind), distance, keyframe.frame] };
  });
  order.sort((a, b) => {
    const i = a.keys.findIndex((key, j) => key !== b.keys[j]);
    return a.keys[i] - b.keys[i];
  });
  const dropped = new Set(order.slice(0, nTooMany).map(({ keyframe }) => keyframe));
  return keyframes.filter((keyframe) => !dropped.has(keyframe));
}

/**
 * Frame 0 (rule 10).
 * @param {Plan | null} base @param {Plan} edited @param {Plan} next @returns {Keyframe}
 */
function first(base, edited, next) {
  const before = base ? base.keyframes[0] : newKeyframe(0, "first");
  return (same(before, edited.keyframes[0]) ? next : edited).keyframes[0];
}

/**
 * Unknown fields of the plan (rule 9).
 * @param {Plan | null} base @param {Plan} edited @param {Plan} next @returns {Record<string, any>}
 */
function mergedFields(base, edited, next) {
  const [before, mine] = [base ? extraOf(base) : {}, extraOf(edited)];
  const follows = (/** @type {[string, any]} */ [name]) => Object.hasOwn(mine, name) || !Object.hasOwn(before, name);
  const changed = (/** @type {[string, any]} */ [name, value]) =>
    !Object.hasOwn(before, name) || !sameJson(before[name], value);
  const fields = [...Object.entries(extraOf(next)).filter(follows), ...Object.entries(mine).filter(changed)];
  return Object.fromEntries(fields);
}
