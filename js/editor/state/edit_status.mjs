// What the editor stands before: the text of the edit and the last run, read together.
//
// The text is the whole truth. Nothing here is kept; every text is read anew, and what is written is one new text.

import { kept, readEdit, rescaled, shownPlan, writeEdit } from "../plan/edit.mjs";
import { importText } from "../plan/formats.mjs";
import { PlanError, planFrom } from "../plan/plan.mjs";

const EDITABLE = [null, "sound", "room"]; // with other problems the artist decides first what becomes of the edit

/**
 * @param {string} text of the widget
 * @param {object|null} result what the last run reported (keyvid_edit of nodes/edit.py)
 * @returns {{edit: object, prediction: object|null, plan: object|null, base: object|null,
 *   problem: null|"newer"|"broken"|"frames"|"length"|"rate"|"sound"|"room", message: string, canEdit: boolean}}
 *   plan: what the timeline shows; base: what a new text names as the prediction it was made from.
 */
export function editStatusOf(text, result) {
  const edit = readEdit(text);
  const prediction = result?.prediction ? planFrom(result.prediction) : null;
  const shown = shownPlan(edit, prediction);
  return { edit, prediction, ...shown, canEdit: shown.plan !== null && EDITABLE.includes(shown.problem) };
}

/** The text for a changed plan. It stays an edit of the sound that it was made for, until the artist says otherwise. */
export function textWith({ edit, base, problem }, plan) {
  const sound = problem === "sound" ? { fingerprint: edit.plan.fingerprint ?? null } : {};
  return writeEdit({ plan: { ...plan, ...sound }, base, extra: edit.extra });
}

/** The text that keeps the edit of another clip or sound: every keyframe at its time, as far as this clip goes. */
export function keptText({ edit, prediction, plan, base, problem }) {
  if (problem === "sound") return writeEdit({ plan, base, extra: edit.extra });
  return writeEdit(kept(edit, prediction));
}

/**
 * The text for imported keyframes, for the clip of the last run, whatever stood there before: all of it is the
 * artist's. Throws PlanError if there is no clip yet, or nothing that can be imported.
 * @returns {{text: string, notes: string[]}} notes: as importText tells them
 */
export function importedText({ prediction, plan, problem, message }, imported) {
  if (problem === "newer") throw new PlanError(message);
  const clip = problem ? prediction : plan; // with a problem the plan may be another clip's
  if (!clip) throw new PlanError("Run up to here first: the length of the clip is not known yet.");
  const { plan: next, notes } = importText(imported, { plan: clip });
  return { text: writeEdit({ plan: next, base: null, extra: {} }), notes };
}

/** The text that stretches or squeezes an edit of another clip to the length of this one. */
export function rescaledText({ edit, prediction }) {
  return writeEdit(rescaled(edit, prediction));
}
