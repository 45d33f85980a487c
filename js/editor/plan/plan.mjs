// @ts-check
// The keyframe plan in the form of its JSON document: the mirror of keyframes/plan_document.py and plan.py.
//
// Plans are plain objects that nobody changes: every function returns a new one. Fields that this version does not
// know are kept, in the plan and in each keyframe.

import { PlanError, PlanVersionError } from "./errors.mjs";
import { isObject, isWhole, shown } from "./json.mjs";

export { PlanError, PlanMismatchError, PlanVersionError } from "./errors.mjs";

/**
 * @typedef {Object} Keyframe
 * @property {number} frame @property {string} kind one of KINDS @property {boolean} locked @property {string} source
 * @property {string} [prompt] its own words; never empty
 * @property {string} [image] its own image: a file's name in ComfyUI's input folder; never empty
 */
/**
 * @typedef {Object} Fingerprint how a sound is recognized (keyframes/audio/fingerprint.py)
 * @property {number} n_frames @property {number[]} loudness
 */
/**
 * @typedef {Object} Plan
 * @property {number} version @property {number} fps frames per second @property {number} n_frames of the clip
 * @property {number} count how many keyframes @property {Fingerprint | null} fingerprint of the sound
 * @property {Keyframe[]} keyframes ascending, the first at frame 0
 */

export const KINDS = ["first", "peak", "valley", "fill", "manual"];
/** Source of a keyframe the artist placed or changed. */
export const EDIT = "edit";
/** Source of a fill that took the place of something deleted; no decision of the artist. */
export const REFILL = "refill";
/** Version of the document that is written. */
export const VERSION = 3;
/** Characters of a keyframe's own words; far more than any text encoder reads. */
export const MAX_PROMPT = 2000;
/** Characters of the name of an image file, with its folders. */
export const MAX_IMAGE = 500;
/** Frames; half an hour at 240 fps: beyond this a number is a typing slip. */
export const MAX_N_FRAMES = 432000;

/** {version: function from a document of that version to one of the next}, as in keyframes/plan_document.py. */
const MIGRATIONS = { 1: fromVersion1, 2: fromVersion2 };
const PLAN_FIELDS = ["version", "fps", "n_frames", "count", "fingerprint", "keyframes"];
const KEYFRAME_FIELDS = ["frame", "kind", "locked", "source", "prompt", "image"];

/**
 * A checked Plan from a document of this or an older version. Throws PlanVersionError for a newer one, PlanError.
 * @param {any} document @returns {Plan}
 */
export function planFrom(document) {
  document = migrated(document, "plan", VERSION, MIGRATIONS);
  for (const name of ["fps", "n_frames", "count", "keyframes"]) {
    if (!Object.hasOwn(document, name)) {
      throw new PlanError(`The plan has no "${name}"; add it, or delete the plan to start anew.`);
    }
  }
  const { keyframes, count } = document;
  if (!Array.isArray(keyframes)) {
    throw new PlanError(
      `The plan's keyframes are ${shown(keyframes)}; give a list such as [{"frame": 0, "kind": "first"}].`,
    );
  }
  const plan = makePlan(keyframes.map(keyframeFrom), document);
  if (count !== plan.count) {
    throw new PlanError(
      `The plan's count is ${shown(count)}, but it lists ${plan.count} keyframes; set count to ${plan.count}.`,
    );
  }
  return plan;
}

/**
 * Frames of the keyframes, ascending.
 * @param {{ keyframes: Keyframe[] }} plan @returns {number[]}
 */
export const framesOf = (plan) => plan.keyframes.map((keyframe) => keyframe.frame);

/**
 * The keyframe at a frame, or null.
 * @param {Plan} plan @param {number} frame @returns {Keyframe | null}
 */
export function keyframeAt(plan, frame) {
  const { keyframes } = plan;
  let [low, high] = [0, keyframes.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (keyframes[middle].frame < frame) low = middle + 1;
    else high = middle;
  }
  return keyframes[low]?.frame === frame ? keyframes[low] : null;
}

/**
 * The plan with other keyframes, sorted and checked. Throws PlanError.
 * @param {Partial<Plan>} plan @param {Iterable<Keyframe>} keyframes @returns {Plan}
 */
export function withKeyframes(plan, keyframes) {
  return makePlan(
    [...keyframes].sort((a, b) => a.frame - b.frame),
    plan,
  );
}

/**
 * A plan of manual keyframes at these frames, in any order; frame 0 must be among them. Throws PlanError.
 * @param {any[]} frames @param {{ fps: number, n_frames: number, fingerprint?: Fingerprint | null }} clip
 * @returns {Plan}
 */
export function planAtFrames(frames, { fps, n_frames, fingerprint = null }) {
  checkNFrames(n_frames);
  const whole = frames.map((frame) => wholeFrame(frame, n_frames)).sort((a, b) => a - b);
  const keyframes = whole.map((frame) => newKeyframe(frame, frame ? "manual" : "first", EDIT));
  return makePlan(keyframes, { fps, n_frames, fingerprint });
}

/**
 * An unlocked Keyframe, its fields in the order of the document.
 * @param {number} frame @param {string} kind @param {string} [source] @returns {Keyframe}
 */
export const newKeyframe = (frame, kind, source = "") => ({ frame, kind, locked: false, source });

/**
 * A Keyframe with words or an image of its own, in the place of the document; "" takes it away.
 * @param {Keyframe} keyframe @param {{ prompt?: string, image?: string }} own @returns {Keyframe}
 */
export function withOwn(keyframe, own) {
  const { frame, kind, locked, source, prompt = "", image = "", ...more } = { ...keyframe, ...own };
  const words = prompt === "" ? {} : { prompt };
  return { frame, kind, locked, source, ...words, ...(image === "" ? {} : { image }), ...more };
}

/**
 * Whether a keyframe has what only an artist gives: a lock, words or an image of its own.
 * @param {Keyframe} keyframe @returns {boolean}
 */
export const isKept = ({ locked, prompt, image }) => locked || Boolean(prompt) || Boolean(image);

/**
 * A frame of the clip. Throws PlanError unless it is a whole number from 0 to nFrames - 1.
 * @param {any} value @param {number} nFrames @returns {number}
 */
export function wholeFrame(value, nFrames) {
  if (!isWhole(value)) throw new PlanError(`The frame ${shown(value)} is not a whole number; write it like 7.`);
  if (value < 0 || value >= nFrames) {
    throw new PlanError(`Frame ${shown(value)} lies outside the clip of ${nFrames} frames; use 0 to ${nFrames - 1}.`);
  }
  return value;
}

/**
 * The fields of a plan that this version does not know.
 * @param {Record<string, any>} plan @returns {Record<string, any>}
 */
export const extraOf = (plan) => without(plan, PLAN_FIELDS);

/**
 * A document without fields of these names.
 * @param {Record<string, any>} document @param {string[]} names @returns {Record<string, any>}
 */
export function without(document, names) {
  return Object.fromEntries(Object.entries(document).filter(([name]) => !names.includes(name)));
}

/**
 * A document brought to `version` step by step; `name` is what it is. Throws PlanError, PlanVersionError.
 * @param {any} document @param {string} name @param {number} version
 * @param {Record<number, (document: any) => any>} migrations @returns {Record<string, any>}
 */
export function migrated(document, name, version, migrations) {
  if (!isObject(document)) {
    throw new PlanError(
      `The ${name} is ${shown(document)} instead of a JSON object; write it in braces: {"version": ${version}, ...}.`,
    );
  }
  let found = document.version;
  if (!isWhole(found)) {
    const has = Object.hasOwn(document, "version") ? `version ${shown(found)}` : "no version";
    throw new PlanError(`The ${name} has ${has}; add "version": ${version}.`);
  }
  if (found > version) {
    throw new PlanVersionError(
      `The ${name} is of version ${shown(found)}, and this ComfyUI-KeyVID reads up to version ${version}; ` +
        "update ComfyUI-KeyVID. Nothing was changed.",
    );
  }
  for (; found < version; found = document.version) {
    if (!migrations[found]) {
      throw new PlanError(`The ${name} has version ${shown(found)}, which never existed; set it to ${version}.`);
    }
    document = migrations[found](document);
  }
  return document;
}

/**
 * A checked Plan of keyframes in ascending order, all else from a document: the order of fields is that of Python.
 * @param {Keyframe[]} keyframes @param {Record<string, any>} document @returns {Plan}
 */
function makePlan(keyframes, document) {
  const { fps, n_frames, fingerprint = null } = document;
  if (typeof fps !== "number" || !(fps >= 1 && fps <= 240)) {
    throw new PlanError(
      `The plan's fps is ${shown(fps)}; give a number of frames per second from 1 to 240, such as 24.`,
    );
  }
  checkNFrames(n_frames);
  checkFingerprint(fingerprint);
  for (const [i, keyframe] of keyframes.entries()) checkKeyframe(keyframe, i + 1, n_frames);
  checkOrder(keyframes.map((keyframe) => keyframe.frame));
  return { version: VERSION, fps, n_frames, count: keyframes.length, fingerprint, keyframes, ...extraOf(document) };
}

/** Version 1 knew no prompt. @param {any} document @returns {any} */
function fromVersion1(document) {
  return { ...withRenamed(document, "prompt", "prompt_of_version_1"), version: 2 };
}

/** Version 2 knew no image. @param {any} document @returns {any} */
function fromVersion2(document) {
  return { ...withRenamed(document, "image", "image_of_version_2"), version: 3 };
}

/**
 * A keyframe's field that a version did not know was another program's: it is kept, under another name.
 * @param {any} document @param {string} name @param {string} other @returns {any}
 */
function withRenamed(document, name, other) {
  const { keyframes } = document;
  if (!Array.isArray(keyframes)) return document;
  const renamed = (/** @type {[string, any]} */ [key, value]) => [key === name ? other : key, value];
  const entries = keyframes.map((/** @type {any} */ entry) =>
    isObject(entry) && Object.hasOwn(entry, name) ? Object.fromEntries(Object.entries(entry).map(renamed)) : entry,
  );
  return { ...document, keyframes: entries };
}

/** @param {any} entry @param {number} i @returns {Keyframe} */
function keyframeFrom(entry, i) {
  const like = '; write it like {"frame": 7, "kind": "manual"}.';
  if (!isObject(entry)) throw new PlanError(`Keyframe ${i + 1} of the plan is ${shown(entry)}${like}`);
  for (const name of ["frame", "kind"]) {
    if (!Object.hasOwn(entry, name)) throw new PlanError(`Keyframe ${i + 1} of the plan has no "${name}"${like}`);
  }
  const { frame, kind, locked = false, source = "", prompt, image } = entry;
  return { ...withOwn({ frame, kind, locked, source }, { prompt, image }), ...without(entry, KEYFRAME_FIELDS) };
}

/** @param {any} nFrames */
function checkNFrames(nFrames) {
  if (isWhole(nFrames) && nFrames >= 2 && nFrames <= MAX_N_FRAMES) return;
  throw new PlanError(
    `The plan's n_frames is ${shown(nFrames)}; give the clip's length as a whole number ` +
      `of frames from 2 to ${MAX_N_FRAMES}.`,
  );
}

/** @param {any} fingerprint */
function checkFingerprint(fingerprint) {
  if (fingerprint === null) return;
  const { loudness, n_frames } = isObject(fingerprint) ? fingerprint : {};
  if (Array.isArray(loudness) && loudness.every(isWhole) && isWhole(n_frames)) return;
  throw new PlanError(
    `The sound's fingerprint is ${shown(fingerprint)}, which describes no sound; ` +
      "set it to null, and the plan fits any sound.",
  );
}

/** @param {Record<string, any>} keyframe @param {number} number @param {number} nFrames */
function checkKeyframe({ frame, kind, locked, source, prompt = "", image = "" }, number, nFrames) {
  if (!isWhole(frame)) {
    throw new PlanError(`Keyframe ${number} of the plan has frame ${shown(frame)}; write a whole number like 7.`);
  }
  if (frame < 0 || frame >= nFrames) {
    throw new PlanError(
      `Keyframe ${number} of the plan is at frame ${shown(frame)}, outside the clip of ${nFrames} ` +
        `frames; use a frame from 0 to ${nFrames - 1}.`,
    );
  }
  const where = `The keyframe at frame ${frame}`;
  if (!KINDS.includes(kind)) throw new PlanError(`${where} has kind ${shown(kind)}; use one of ${KINDS.join(", ")}.`);
  if ((kind === "first") !== (frame === 0)) {
    throw new PlanError(`${where} has kind '${kind}'; frame 0, and no other, has kind 'first'.`);
  }
  if (typeof locked !== "boolean") {
    throw new PlanError(`${where} has locked ${shown(locked)}; use true or false.`);
  }
  if (typeof source !== "string") {
    throw new PlanError(`${where} has source ${shown(source)}; use a text, or leave it out.`);
  }
  checkPrompt(prompt, where);
  checkImage(image, where);
}

/** @param {any} prompt @param {string} where */
function checkPrompt(prompt, where) {
  if (typeof prompt !== "string") {
    throw new PlanError(`${where} has prompt ${shown(prompt)}; use a text, or leave it out.`);
  }
  const n = [...prompt].length; // characters as Python counts them
  if (n > MAX_PROMPT) {
    throw new PlanError(`${where} has a prompt of ${n} characters; shorten it to ${MAX_PROMPT} or fewer.`);
  }
}

/** @param {any} image @param {string} where */
function checkImage(image, where) {
  if (typeof image !== "string") {
    throw new PlanError(`${where} has image ${shown(image)}; use the name of an image file, or leave it out.`);
  }
  const n = [...image].length;
  if (n > MAX_IMAGE) {
    throw new PlanError(
      `${where} has an image whose name has ${n} characters; give the file a name of ${MAX_IMAGE} or fewer.`,
    );
  }
}

/** @param {number[]} frames */
function checkOrder(frames) {
  if (!frames.includes(0)) {
    throw new PlanError("The plan has no keyframe at frame 0; add one of kind 'first': the video starts with it.");
  }
  for (let i = 1; i < frames.length; i++) {
    const [earlier, later] = [frames[i - 1], frames[i]];
    if (earlier === later) throw new PlanError(`The plan has two keyframes at frame ${later}; delete one of them.`);
    if (earlier > later) {
      throw new PlanError(`The plan lists frame ${later} after frame ${earlier}; put the keyframes in order of time.`);
    }
  }
  if (frames.length < 2) throw new PlanError("The plan has 1 keyframe; it needs at least 2, so add another one.");
}
