// @ts-check
// What a dragged keyframe sticks to: a clear strike, a peak of the motion curve, a beat, a weaker strike, or else whole
// frames.

import { bisect, frameList, scaleOf } from "../canvas/geometry.mjs";
import { beatsOn } from "../plan/beat_grid.mjs";

/** @import { View } from "../canvas/geometry.mjs" */
/** @import { BeatGrid } from "../plan/beat_grid.mjs" */
/** @import { Plan } from "../plan/plan.mjs" */
/** @import { RunResult } from "../state/edit_status.mjs" */

/** @typedef {"onset" | "peak" | "beat" | "candidate"} MarkKind onset: a clear strike, candidate: a weaker one */
/** @typedef {MarkKind | "frame"} SnapKind */
/** @typedef {{ frames: Int32Array, names: MarkKind[] }} SnapTargets frames ascend, each once; names: what is there */
/**
 * Frames; peaks: of the motion curve.
 * @typedef {{ onsets?: number[], beats?: number[], peaks?: number[], candidates?: number[] }} Marks
 */

/** @type {SnapKind[]} */
const ORDER = ["onset", "peak", "beat", "candidate"]; // which one is named where several fall on one frame

/**
 * What a run measured that keyframes stick to.
 * @param {RunResult | null} measured @param {BeatGrid} grid @returns {Marks}
 */
export function snapMarks(measured, grid) {
  const beats = beatsOn(measured?.beats, grid);
  return { onsets: measured?.onsets, beats, peaks: measured?.curve_peaks, candidates: measured?.candidates };
}

/**
 * The frames worth sticking to.
 *
 * plan: frames that hold a keyframe are left out, since nothing can be dropped there; moving: those of its frames that
 * are being dragged and so count as free.
 * @param {Marks & { plan?: Plan | null, moving?: number[] }} [options] @returns {SnapTargets}
 */
export function snapTargets({ plan = null, moving = [], onsets, beats, peaks, candidates } = {}) {
  const taken = new Set(Array.from(frameList(plan)));
  for (const frame of moving) taken.delete(frame);
  /** @type {Map<number, MarkKind>} */
  const named = new Map();
  /** @type {[MarkKind, number[] | undefined][]} */
  const marks = [
    ["candidate", candidates],
    ["beat", beats],
    ["peak", peaks],
    ["onset", onsets],
  ];
  for (const [name, frames] of marks) {
    for (const frame of frames ?? []) if (!taken.has(frame)) named.set(frame, name);
  }
  const entries = [...named].sort(([a], [b]) => a - b);
  return { frames: Int32Array.from(entries, ([frame]) => frame), names: entries.map(([, name]) => name) };
}

/**
 * Where something dragged to `frameFloat` lands: always a whole frame.
 *
 * to: what it stuck to; "frame" when nothing was within tolerancePx; null when snapping is off.
 * @param {number} frameFloat @param {SnapTargets} targets @param {View} view @param {number} width
 * @param {{ enabled?: boolean, tolerancePx?: number }} [options]
 * @returns {{ frame: number, to: SnapKind | null }}
 */
export function snap(frameFloat, targets, view, width, { enabled = true, tolerancePx = 8 } = {}) {
  const whole = Math.round(frameFloat);
  if (!enabled) return { frame: whole, to: null };
  const { frames, names } = targets;
  const after = bisect(frames, frameFloat);
  const near = [after - 1, after].filter((i) => i >= 0 && i < frames.length);
  const distance = (/** @type {number} */ i) => Math.abs(frames[i] - frameFloat);
  near.sort((a, b) => distance(a) - distance(b) || ORDER.indexOf(names[a]) - ORDER.indexOf(names[b]));
  const [best] = near;
  if (best === undefined || distance(best) * scaleOf(view, width) > tolerancePx) return { frame: whole, to: "frame" };
  return { frame: frames[best], to: names[best] };
}
