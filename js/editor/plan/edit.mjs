// @ts-check
// What the edit widget holds, and what is shown of it: the mirror of keyframes/edit.py.
//
// The text is the whole truth: "" (no edit), frames ("0, 7, 12"), a plan document, or an edit document
// {"version": 1, "plan": {...}, "base": {...}}. Nothing here remembers anything.

import { PlanError, PlanMismatchError, PlanVersionError } from "./errors.mjs";
import { framesFrom } from "./frames_text.mjs";
import { isObject, isWhole, parseJson, toLine } from "./json.mjs";
import { merge, sameSound } from "./merge.mjs";
import { EDIT, migrated, planAtFrames, planFrom, without } from "./plan.mjs";
import { distinctRates, sameRate } from "./timebase.mjs";

/** @import { Plan } from "./plan.mjs" */

export { kept, rescaled } from "./rescale.mjs";

const VERSION = 1;
const MIGRATIONS = {};
const OTHER_SOUND = // as nodes/edit.py says it
  "This edit was made for another sound of the same length. It is applied as it is: listen to it, " +
  "then keep it or reset it to the prediction.";

/** @typedef {"newer" | "broken" | "frames" | "length" | "rate" | "sound" | "room"} Problem why an edit is not simply applied */
/** @typedef {{ plan: Plan, base?: Plan | null, extra?: Record<string, any> }} EditParts what writeEdit writes */
/**
 * @typedef {Object} Edit what a text of the widget holds
 * @property {"empty"|"edit"|"frames"|"newer"|"broken"} state
 * @property {Plan | null} plan the artist's plan; null unless state is "edit"
 * @property {Plan | null} base the prediction it was made from, null if unknown
 * @property {number[] | null} frames of an edit typed as a mere list, for the clip is not known yet
 * @property {Record<string, any>} extra fields of the document that this version does not know
 * @property {string} message why a newer or broken text cannot be used, else ""
 */

/**
 * What is in the widget, as an Edit; never throws.
 * @param {any} text @returns {Edit}
 */
export function readEdit(text) {
  const nothing = { plan: null, base: null, frames: null, extra: {}, message: "" };
  if (!text || (typeof text === "string" && /^[\ufeff \t\r\n]*$/.test(text))) return { ...nothing, state: "empty" };
  try {
    // digits first: meant as a list of frames, and its errors should speak of frames
    if (typeof text === "string" && /^\ufeff*\s*\[?\s*[-+]?[0-9]/.test(text)) {
      return { ...nothing, state: "frames", frames: typedFrames(text) };
    }
    return { ...nothing, state: "edit", ...editFrom(parseJson(text, "edit")) };
  } catch (error) {
    if (!(error instanceof PlanError)) throw error;
    const state = error instanceof PlanVersionError ? "newer" : "broken";
    return { ...nothing, state, message: error.message };
  }
}

/**
 * The text for the widget of {plan, base, extra}, one line: what readEdit, and Python, read back.
 * @param {EditParts} edit @returns {string}
 */
export function writeEdit({ plan, base = null, extra = {} }) {
  return toLine({ version: VERSION, plan, base, ...extra });
}

/**
 * What is to be shown of an Edit, given today's prediction (a Plan, or null before the first run).
 *
 * plan: the plan that a run would pass on. Where a run would refuse, the artist's own plan as it is; null if there is
 * nothing to show. base: what belongs next to a changed `plan` in writeEdit. problem and message: why it is not
 * simply applied: "length", "rate" (another clip's), "sound" (applied, but check), "room" (more than the count),
 * "frames" (typed ones do not fit the clip), "newer" or "broken" (text that cannot be used; the prediction is shown).
 * @returns {{ plan: Plan | null, base: Plan | null, problem: Problem | null, message: string }}
 * @param {Edit} edit @param {Plan | null} prediction
 */
export function shownPlan(edit, prediction) {
  const { state, base, message } = edit;
  if (state === "newer" || state === "broken") return { plan: prediction, base: prediction, problem: state, message };
  if (state === "empty") return { plan: prediction, base: prediction, problem: null, message: "" };
  if (!prediction) return { plan: edit.plan, base, problem: null, message: "" };
  let mine = edit.plan;
  try {
    mine ??= planAtFrames(edit.frames ?? [], prediction);
    const plan = merge(base, mine, prediction);
    const isSame = sameSound(edit.plan?.fingerprint, prediction.fingerprint);
    // an edit without a base is the artist's as a whole, and stays so
    const shown = { plan, base: base && prediction, problem: null, message: "" };
    return isSame ? shown : { ...shown, problem: "sound", message: OTHER_SOUND };
  } catch (error) {
    if (!(error instanceof PlanError)) throw error;
    const problem = error instanceof PlanMismatchError ? error.problem : mine ? "room" : "frames";
    return { plan: mine ?? prediction, base: mine ? base : null, problem, message: error.message };
  }
}

/** @param {string} text @returns {number[]} */
function typedFrames(text) {
  const frames = framesFrom(text);
  if (frames[0] === 0) return frames;
  throw new PlanError(`The typed frames begin at ${frames[0]}; begin with 0, the frame the video starts with.`);
}

/**
 * {plan, base, extra} of a plan or edit document.
 * @param {any} document @returns {EditParts}
 */
function editFrom(document) {
  const has = (/** @type {string} */ name) => isObject(document) && Object.hasOwn(document, name);
  if (has("keyframes") && !has("plan")) return { plan: planOf(document) };
  document = migrated(document, "edit", VERSION, MIGRATIONS);
  if (!has("plan")) throw new PlanError('The edit has no "plan"; add it, or clear the text to start anew.');
  const plan = planOf(document.plan);
  const base = (document.base ?? null) === null ? null : planOf(document.base);
  if (base && (base.n_frames !== plan.n_frames || !sameRate(base.fps, plan.fps, plan.n_frames))) {
    const [ofPlan, ofBase] = distinctRates(plan.fps, base.fps);
    throw new PlanError(
      `The edit's plan has ${plan.n_frames} frames at ${ofPlan} fps, its base ${base.n_frames} at ` +
        `${ofBase}; set base to null, and all of the plan counts as yours.`,
    );
  }
  return { plan, base, extra: without(document, ["version", "plan", "base"]) };
}

/**
 * A plan of an edit. Who edits by hand adds and deletes lines: order, kind and count follow from them.
 * @param {any} document @returns {Plan}
 */
function planOf(document) {
  if (!isObject(document) || !Array.isArray(document.keyframes)) return planFrom(document);
  const keyframes = document.keyframes.map(withKind);
  if (keyframes.every((entry) => isObject(entry) && isWhole(entry.frame))) {
    keyframes.sort((a, b) => a.frame - b.frame);
  }
  return planFrom({ ...document, keyframes, count: keyframes.length });
}

/** @param {any} entry @returns {any} */
function withKind(entry) {
  if (!isObject(entry) || Object.hasOwn(entry, "kind")) return entry;
  return { ...entry, kind: entry.frame ? "manual" : "first", source: EDIT };
}
