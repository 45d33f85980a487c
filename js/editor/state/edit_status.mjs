// @ts-check
// The text of the edit and the last run, read together: what is shown, and whether it may be edited.
//
// The text is the whole truth. Nothing here is kept; every text is read anew, and what is written is one new text.

import { kept, readEdit, rescaled, shownPlan, writeEdit } from "../plan/edit.mjs";
import { importFile } from "../plan/formats.mjs";
import { PlanError, planFrom } from "../plan/plan.mjs";

/** @import { Edit, Problem } from "../plan/edit.mjs" */
/** @import { Note } from "../plan/markers.mjs" */
/** @import { Plan } from "../plan/plan.mjs" */

/** @typedef {{ filename: string, subfolder: string, type: string }} ServedFile a file that a run left on the server */
/**
 * @typedef {Object} RunResult what a run reported (keyvid_edit of nodes/edit.py); lists of frames ascend
 * @property {any} prediction a plan document, of any version @property {number} n_frames @property {number} fps
 * @property {number[]} onsets clear strikes @property {number[]} [candidates] weaker ones
 * @property {number[]} beats @property {number[]} curve_peaks
 * @property {number[] | null} curve scores in [0, 1], evenly over the clip
 * @property {{ min: number[], max: number[] } | null} peaks of the waveform, evenly over the clip
 * @property {ServedFile | null} audio @property {string} audio_notice why there is none
 */
/**
 * @typedef {Object} EditStatus
 * @property {Edit} edit what the text holds
 * @property {Plan | null} prediction @property {Plan | null} plan what the timeline shows
 * @property {Plan | null} base what a new text names as the prediction it was made from
 * @property {Problem | null} problem @property {string} message about it
 * @property {boolean} canEdit
 */

/** @type {(Problem | null)[]} */
const EDITABLE = [null, "sound", "room"]; // with other problems the artist decides first what becomes of the edit

/**
 * The status of a text beside the last run.
 * @param {string} text of the widget @param {RunResult | null} result @returns {EditStatus}
 */
export function editStatusOf(text, result) {
  const edit = readEdit(text);
  const prediction = result?.prediction ? planFrom(result.prediction) : null;
  const shown = shownPlan(edit, prediction);
  return { edit, prediction, ...shown, canEdit: shown.plan !== null && EDITABLE.includes(shown.problem) };
}

/**
 * The text for a changed plan. It stays an edit of the sound that it was made for, until the artist says otherwise.
 * @param {EditStatus} status @param {Plan} plan @returns {string}
 */
export function textWith({ edit, base, problem }, plan) {
  const sound = problem === "sound" ? { fingerprint: edit.plan?.fingerprint ?? null } : {};
  return writeEdit({ plan: { ...plan, ...sound }, base, extra: edit.extra });
}

/**
 * The text that keeps the edit of another clip or sound: every keyframe at its time, as far as this clip goes.
 * Throws PlanError if it does not fit.
 * @param {EditStatus} status @returns {string}
 */
export function keptText({ edit, prediction, plan, base, problem }) {
  if (problem === "sound" && plan) return writeEdit({ plan, base, extra: edit.extra });
  return writeEdit(kept(edit, predicted(prediction)));
}

/**
 * The text for imported keyframes, for the clip of the last run, whatever was there before: all of it is the
 * artist's. Throws PlanError if there is no clip yet, or nothing that can be imported.
 * @param {EditStatus} status @param {string | Uint8Array} imported text or a file's bytes
 * @returns {{ text: string, notes: string[], texts: Note[] }} notes, texts: those of importFile
 */
export function importedText({ prediction, plan, problem, message }, imported) {
  if (problem === "newer") throw new PlanError(message);
  const clip = problem ? prediction : plan; // with a problem the plan may be another clip's
  const { plan: next, notes, texts } = importFile(imported, { plan: predicted(clip) });
  return { text: writeEdit({ plan: next, base: null, extra: {} }), notes, texts };
}

/**
 * The text that stretches or squeezes an edit of another clip to the length of this one. Throws PlanError.
 * @param {EditStatus} status @returns {string}
 */
export function rescaledText({ edit, prediction }) {
  return writeEdit(rescaled(edit, predicted(prediction)));
}

/** @param {Plan | null} clip @returns {Plan} */
function predicted(clip) {
  if (clip) return clip;
  throw new PlanError("Run up to here first: the length of the clip is not known yet.");
}
