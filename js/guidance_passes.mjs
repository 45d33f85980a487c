// @ts-check
// How many passes of the network one step takes: the rule of models/diffusion/guidance.py (pass_weights, needed_passes).
// tests/guidance_passes.json is the table that both are held to.

/**
 * @typedef {Object} Scales Values of Multimodal CFG's inputs; NaN where a link brings the value and it is not known.
 * @property {number} image @property {number} text @property {number} audio @property {number} rescale
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
 * What the node says, such as "4 passes per step (3 for a model without sound)".
 * @param {Scales} scales @returns {string}
 */
export function passesText(scales) {
  const [nWith, nWithout] = [passesPerStep(scales), passesPerStep(scales, false)];
  const known = Object.values(scales).every((value) => !Number.isNaN(value));
  const unit = nWith === 1 ? "pass" : "passes";
  const aside = nWith === nWithout ? "" : ` (${nWithout} for a model without sound)`;
  return `${known ? "" : "up to "}${nWith} ${unit} per step${aside}`;
}
