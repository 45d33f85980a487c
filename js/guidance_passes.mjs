// @ts-check
// How many passes of the network one step takes: the rule of models/diffusion/guidance.py (pass_weights, needed_passes).
// tests/guidance_passes.json is the table that both are held to.

/**
 * @typedef {Object} Scales Values of Multimodal CFG's inputs; NaN where a link brings the value and it is not known.
 * @property {number} image @property {number} text @property {number} audio @property {number} rescale
 * @property {number} [from] @property {number} [until] Shares of the run outside of which one pass is run.
 */

/**
 * Passes per step, the most there may be where a value is not known. `hasAudio`: of a model with an audio input.
 * @param {Scales} scales @param {boolean} [hasAudio] @returns {number}
 */
export function passesPerStep({ image, text, audio, rescale }, hasAudio = true) {
  const full = hasAudio ? audio : text; // a model without sound takes image and text as its full pass
  const betweenTextAndAudio = hasAudio ? text - audio : 0;
  const weights = [1 - image, image - text, betweenTextAndAudio]; // NaN is not 0: a pass that may be needed
  const needsFull = full !== 0 || !(rescale <= 0);
  return weights.filter((weight) => weight !== 0).length + (needsFull ? 1 : 0);
}

/**
 * Passes per step on average over a run, the most there may be where a value is not known.
 * @param {Scales} scales @param {boolean} [hasAudio] @returns {number}
 */
export function averagePasses(scales, hasAudio = true) {
  const { from = 0, until = 1 } = scales;
  const guided = Number.isNaN(from) || Number.isNaN(until) ? 1 : Math.max(0, until - from);
  return 1 + guided * (passesPerStep(scales, hasAudio) - 1);
}

/**
 * What the node says, such as "4 passes per step (3 for a model without sound)".
 * @param {Scales} scales @returns {string}
 */
export function passesText(scales) {
  const [nWith, nWithout] = [true, false].map((hasAudio) => Number(averagePasses(scales, hasAudio).toFixed(2)));
  const known = Object.values(scales).every((value) => !Number.isNaN(value));
  const unit = nWith === 1 ? "pass" : "passes";
  const aside = nWith === nWithout ? "" : ` (${nWithout} for a model without sound)`;
  const isMean = nWith !== passesPerStep(scales);
  return `${known ? "" : "up to "}${nWith} ${unit} per step${isMean ? " on average" : ""}${aside}`;
}
