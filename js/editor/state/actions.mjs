// @ts-check
// What the artist can do to a plan, each with the message that says what happened. Pure: no element, no text, no node.
//
// Every action takes (plan, frames of the selection, ...more) and returns {plan, frames, message}: the new plan, where the
// selection is now, and what is shown to the artist. What cannot be done throws a PlanError that says why.

import {
  deleteAll,
  distributeEvenly,
  lockAll,
  moveTogether,
  scaleTogether,
  setAllOwn,
  setKinds,
  shiftAll,
  snapAll,
} from "../plan/operations.mjs";
import { framesOf, keyframeAt, PlanError } from "../plan/plan.mjs";
import { addKeyframe, deleteKeyframe, lockKeyframe, moveKeyframe, setKind, setOwn } from "../plan/rules.mjs";

/** @import { Plan } from "../plan/plan.mjs" */
/** @import { Outcome } from "./session.mjs" */

/** @type {Record<string, string>} */
const ONE_OF = { peak: "a peak", valley: "a valley", fill: "a fill" };
/** @type {Record<string, string>} */
const SEVERAL_OF = { peak: "peaks", valley: "valleys", fill: "fills" };

/**
 * Adds a keyframe at a frame.
 * @param {Plan} plan @param {number[]} _ @param {number} frame @returns {Outcome}
 */
export function add(plan, _, frame) {
  const next = addKeyframe(plan, frame);
  const gone = framesOf(plan).find((old) => !keyframeAt(next, old));
  return { plan: next, frames: [frame], message: `Added a keyframe at frame ${frame}; the one at ${gone} gave way.` };
}

/**
 * Deletes the selected keyframes; fills take their places.
 * @param {Plan} plan @param {number[]} frames @returns {Outcome}
 */
export function remove(plan, frames) {
  if (frames.length === 1) {
    const next = deleteKeyframe(plan, frames[0]);
    const refill = framesOf(next).find((frame) => !keyframeAt(plan, frame));
    const message = `Deleted the keyframe at frame ${frames[0]}; a fill at ${refill} keeps the count of ${plan.count}.`;
    return { plan: next, frames: [], message };
  }
  const { plan: next, frames: left } = deleteAll(plan, frames);
  const nGone = frames.filter((frame) => !left.includes(frame)).length;
  const stayed = left.length ? ` ${left.length} stayed: frame 0 and locked ones do.` : "";
  return { plan: next, frames: left, message: `Deleted ${nGone} keyframes; fills keep the count.${stayed}` };
}

/**
 * Moves the selected keyframes together by a number of frames, as far as there is room.
 * @param {Plan} plan @param {number[]} frames @param {number} delta @returns {Outcome}
 */
export function move(plan, frames, delta) {
  const moved = moveTogether(plan, frames, delta);
  if (samePlaces(plan, moved.plan)) {
    if (frames.length === 1) moveKeyframe(plan, frames[0], clamp(frames[0] + delta, plan.n_frames)); // says why not
    return { plan, frames, message: "There is no room to move there." };
  }
  return { ...moved, message: `Moved to ${inWords(moved.frames)}.` };
}

/**
 * Moves the selection so that its first keyframe that can move is at a frame.
 * @param {Plan} plan @param {number[]} frames @param {number} frame @returns {Outcome}
 */
export function moveTo(plan, frames, frame) {
  const first = frames.find((one) => one !== 0 && !keyframeAt(plan, one)?.locked) ?? frames[0];
  if (frames.length === 1) {
    const next = moveKeyframe(plan, first, frame);
    return { plan: next, frames: [frame], message: `Moved to frame ${frame}.` };
  }
  return move(plan, frames, frame - first);
}

/**
 * Stretches (frames > 0) or squeezes the selection by moving its last keyframe; its first one stays.
 * @param {Plan} plan @param {number[]} frames @param {number} delta @returns {Outcome}
 */
export function stretch(plan, frames, delta) {
  if (frames.length < 2) throw new PlanError("Select two keyframes or more to stretch them.");
  const [anchor, last] = [frames[0], frames[frames.length - 1]];
  const scaled = scaleTogether(plan, frames, anchor, (last + delta - anchor) / (last - anchor));
  return { ...scaled, message: `Scaled to ${inWords(scaled.frames)}.` };
}

/**
 * Locks the selected keyframes, or unlocks them if all of them are locked.
 * @param {Plan} plan @param {number[]} frames @returns {Outcome}
 */
export function toggleLock(plan, frames) {
  const locked = !frames.every((frame) => keyframeAt(plan, frame)?.locked);
  if (frames.length === 1) {
    const next = lockKeyframe(plan, frames[0], locked);
    return {
      plan: next,
      frames,
      message: locked ? `Locked the keyframe at frame ${frames[0]}.` : `Unlocked the keyframe at frame ${frames[0]}.`,
    };
  }
  return {
    ...lockAll(plan, frames, locked),
    message: locked ? `Locked ${frames.length} keyframes.` : `Unlocked ${frames.length} keyframes.`,
  };
}

/**
 * Gives the selected keyframes a kind.
 * @param {Plan} plan @param {number[]} frames @param {string} kind @returns {Outcome}
 */
export function changeKind(plan, frames, kind) {
  if (frames.length === 1) {
    const next = setKind(plan, frames[0], kind);
    return { plan: next, frames, message: `The keyframe at frame ${frames[0]} is ${kindInWords(kind)} now.` };
  }
  const n = frames.filter((frame) => frame !== 0).length; // frame 0 stays what it is
  const message = `Made ${n === 1 ? "one keyframe" : `${n} keyframes`} ${kindInWords(kind, n)}.`;
  return { ...setKinds(plan, frames, kind), message };
}

/**
 * Gives the selected keyframes these words; blank ones take their words away.
 * @param {Plan} plan @param {number[]} frames @param {string} words @returns {Outcome}
 */
export function setWords(plan, frames, words) {
  return { ...setAllOwn(plan, frames, { prompt: words.trim() ? words : "" }), frames };
}

/**
 * Gives the keyframe at a frame an image, and those behind it one each of the other images; where there is none at the
 * frame, it is added.
 * @param {Plan} plan @param {number[]} _ @param {number} frame @param {string[]} images names in the input folder
 * @returns {Outcome}
 */
export function giveImages(plan, _, frame, images) {
  const from = keyframeAt(plan, frame) ? plan : addKeyframe(plan, frame);
  const frames = framesOf(from)
    .filter((one) => one >= frame)
    .slice(0, images.length);
  if (frames.length < images.length) {
    throw new PlanError(
      `${images.length} images were dropped at frame ${frame}, and from there on the plan has ` +
        `${frames.length === 1 ? "only 1 keyframe" : `only ${frames.length} keyframes`}; ` +
        "drop fewer, or drop them further to the left.",
    );
  }
  const next = frames.reduce((before, one, i) => setOwn(before, one, { image: images[i] }), from);
  return { plan: next, frames, message: shownImages(frames, images) };
}

/**
 * Gives keyframes one image; "" takes theirs away.
 * @param {Plan} plan @param {number[]} selected @param {number[]} frames @param {string} image @returns {Outcome}
 */
export function setImage(plan, selected, frames, image) {
  const message = image ? shownImages(frames, [image]) : "Painted by the model again.";
  return { plan: setAllOwn(plan, frames, { image }).plan, frames: selected, message };
}

/** @param {number[]} frames @param {string[]} images @returns {string} */
function shownImages(frames, images) {
  const where = inWords(frames);
  return images.length === 1 ? `The image ${images[0]} at ${where}.` : `There are ${images.length} images at ${where}.`;
}

/**
 * Spreads the selected keyframes (all of them, if fewer than three) evenly.
 * @param {Plan} plan @param {number[]} frames @returns {Outcome}
 */
export function distribute(plan, frames) {
  return { ...distributeEvenly(plan, frames), message: "Distributed evenly." };
}

/**
 * Moves every selected keyframe (all of them, if none is selected) to its nearest onset.
 * @param {Plan} plan @param {number[]} frames @param {number[] | undefined} onsets @returns {Outcome}
 */
export function snapToOnsets(plan, frames, onsets) {
  if (!onsets?.length) throw new PlanError("No clear strikes are known: connect audio or a curve, and run up to here.");
  const chosen = frames.length ? frames : framesOf(plan);
  const snapped = snapAll(plan, chosen, onsets);
  if (samePlaces(plan, snapped.plan)) {
    throw new PlanError("Nothing moved: the nearest strikes have keyframes already.");
  }
  return { ...snapped, frames: frames.length ? snapped.frames : [], message: "Moved to the nearest strikes." };
}

/**
 * Shifts all keyframes but frame 0 and locked ones by a number of frames, as far as there is room.
 * @param {Plan} plan @param {number[]} _ @param {number} delta @returns {Outcome}
 */
export function shift(plan, _, delta) {
  const shifted = shiftAll(plan, delta);
  if (samePlaces(plan, shifted.plan)) throw new PlanError("Nothing can be shifted that way: there is no room.");
  const nLocked = plan.keyframes.filter(({ frame, locked }) => frame !== 0 && locked).length;
  const nShifted = plan.count - 1 - nLocked;
  const by = (sum(framesOf(shifted.plan)) - sum(framesOf(plan))) / nShifted; // all of them by the same
  const stayed = nLocked ? ` Frame 0 and ${nLocked} locked stayed.` : "";
  const rest = by === delta ? stayed : ` There is no room for ${delta}.${stayed}`;
  const message =
    nShifted === 1 ? `Shifted 1 keyframe by ${by}.${rest}` : `Shifted ${nShifted} keyframes by ${by}.${rest}`;
  return { plan: shifted.plan, frames: [], message };
}

/**
 * Whether two plans have their keyframes at the same frames.
 * @param {Plan} a @param {Plan} b @returns {boolean}
 */
function samePlaces(a, b) {
  const [left, right] = [framesOf(a), framesOf(b)];
  return left.length === right.length && left.every((frame, i) => frame === right[i]);
}

/**
 * The action in words for someone who cannot see it: "frame 12", or "frames 12 to 30".
 * @param {number[]} frames @returns {string}
 */
export function inWords(frames) {
  if (frames.length === 0) return "nothing";
  return frames.length === 1 ? `frame ${frames[0]}` : `frames ${frames[0]} to ${frames.at(-1)}`;
}

/**
 * "a peak", "manual"; of several: "peaks", "manual".
 * @param {string} kind @param {number} [n] @returns {string}
 */
function kindInWords(kind, n = 1) {
  return (n === 1 ? ONE_OF : SEVERAL_OF)[kind] ?? kind;
}

/** @param {number[]} numbers @returns {number} */
const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);

/** @param {number} frame @param {number} nFrames @returns {number} */
function clamp(frame, nFrames) {
  return Math.min(nFrames - 1, Math.max(0, frame));
}
