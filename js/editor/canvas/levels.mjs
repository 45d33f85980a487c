// @ts-check
// Sound and curve at any zoom: a pyramid of minima and maxima, read at the level that a pixel needs.

import { MARGIN, scaleOf } from "./geometry.mjs";

/** @import { View } from "./geometry.mjs" */

/** @typedef {{ min: Float32Array, max: Float32Array }} MinMax */
/** @typedef {{ peak: number, levels: MinMax[] }} Levels */

const FEW = 3; // entries of a level that one column looks at, at least

/**
 * A pyramid of bucket minima and maxima; each level halves the one before.
 *
 * min, max: arrays of equal length, in any scale; `peak` is the largest distance from zero, which drawing divides by.
 * @param {ArrayLike<number>} min @param {ArrayLike<number>} max @returns {Levels | null} null when there is nothing
 */
export function levelsOf(min, max) {
  if (!min?.length) return null;
  /** @type {MinMax[]} */
  const levels = [{ min: Float32Array.from(min), max: Float32Array.from(max) }];
  let peak = 0;
  for (let i = 0; i < min.length; i++) peak = Math.max(peak, Math.abs(min[i]), Math.abs(max[i]));
  for (let last = levels[0]; last.min.length > 1; ) {
    last = halved(last);
    levels.push(last);
  }
  return { peak, levels };
}

/** @param {MinMax} level @returns {MinMax} */
function halved({ min, max }) {
  const length = Math.ceil(min.length / 2);
  const half = { min: new Float32Array(length), max: new Float32Array(length) };
  for (let i = 0; i < length; i++) {
    const other = Math.min(2 * i + 1, min.length - 1);
    half.min[i] = Math.min(min[2 * i], min[other]);
    half.max[i] = Math.max(max[2 * i], max[other]);
  }
  return half;
}

/**
 * Minimum and maximum per column of a drawing `width` pixels wide; NaN where the clip has not begun or is over.
 *
 * The buckets of `levels` divide nFrames evenly. ratio: columns per pixel. Where buckets are wider than columns the
 * values between their middles are interpolated, so that a near view has no stairs.
 * @returns {MinMax} Each Math.ceil(width * ratio) long, in the scale of `levels`.
 * @param {Levels} levels @param {View} view @param {number} width @param {number} nFrames @param {number} [ratio]
 */
export function columns(levels, view, width, nFrames, ratio = 1) {
  const n = Math.ceil(width * ratio);
  const out = { min: new Float32Array(n).fill(NaN), max: new Float32Array(n).fill(NaN) };
  const nBuckets = levels.levels[0].min.length;
  const perFrame = nBuckets / nFrames;
  const perColumn = perFrame / (scaleOf(view, width) * ratio);
  const start = (view.first - MARGIN / scaleOf(view, width)) * perFrame; // bucket at the left edge
  const depth = Math.max(0, Math.min(levels.levels.length - 1, Math.floor(Math.log2(perColumn / FEW))));
  const read = perColumn < 1 ? interpolated : extremes;
  for (let column = 0; column < n; column++) {
    const from = start + column * perColumn;
    if (from + perColumn <= 0 || from >= nBuckets) continue;
    read(levels.levels[depth], from / 2 ** depth, (from + perColumn) / 2 ** depth, out, column);
  }
  return out;
}

/** @param {MinMax} level @param {number} from @param {number} to @param {MinMax} out @param {number} column */
function extremes({ min, max }, from, to, out, column) {
  const first = Math.max(0, Math.floor(from));
  const last = Math.min(min.length, Math.max(first + 1, Math.ceil(to)));
  let [low, high] = [min[first], max[first]];
  for (let i = first + 1; i < last; i++) {
    if (min[i] < low) low = min[i];
    if (max[i] > high) high = max[i];
  }
  out.min[column] = low;
  out.max[column] = high;
}

/** @param {MinMax} level @param {number} from @param {number} to @param {MinMax} out @param {number} column */
function interpolated({ min, max }, from, to, out, column) {
  const at = Math.min(min.length - 1, Math.max(0, (from + to) / 2 - 0.5));
  const i = Math.floor(at);
  const next = Math.min(min.length - 1, i + 1);
  const part = at - i;
  out.min[column] = min[i] + (min[next] - min[i]) * part;
  out.max[column] = max[i] + (max[next] - max[i]) * part;
}
