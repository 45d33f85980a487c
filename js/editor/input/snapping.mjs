// What a dragged keyframe sticks to: an onset, a peak of the motion curve, a beat, or else whole frames.

import { bisect, frameList, scaleOf } from "../canvas/geometry.mjs";

const ORDER = ["onset", "peak", "beat"]; // which one is named where several fall on one frame

/**
 * The frames worth sticking to, ascending, each once: {frames: Int32Array, names: ["onset"|"peak"|"beat", ...]}.
 *
 * plan: frames that hold a keyframe are left out, since nothing can be dropped there; moving: those of its frames that
 * are being dragged and so count as free. onsets, beats, peaks (of the motion curve): frames.
 */
export function snapTargets({ plan = null, moving = [], onsets = [], beats = [], peaks = [] } = {}) {
  const taken = new Set(frameList(plan));
  for (const frame of moving) taken.delete(frame);
  const named = new Map();
  for (const [name, frames] of [
    ["beat", beats],
    ["peak", peaks],
    ["onset", onsets],
  ]) {
    for (const frame of frames ?? []) if (!taken.has(frame)) named.set(frame, name);
  }
  const frames = Int32Array.from(named.keys()).sort();
  return { frames, names: Array.from(frames, (frame) => named.get(frame)) };
}

/**
 * Where something dragged to `frameFloat` lands: always a whole frame.
 *
 * to: what it stuck to; "frame" when nothing was within tolerancePx; null when snapping is off.
 * @returns {{frame: number, to: null|"onset"|"peak"|"beat"|"frame"}}
 */
export function snap(frameFloat, targets, view, width, { enabled = true, tolerancePx = 8 } = {}) {
  const whole = Math.round(frameFloat);
  if (!enabled) return { frame: whole, to: null };
  const { frames, names } = targets;
  const after = bisect(frames, frameFloat);
  const near = [after - 1, after].filter((i) => i >= 0 && i < frames.length);
  const distance = (i) => Math.abs(frames[i] - frameFloat);
  near.sort((a, b) => distance(a) - distance(b) || ORDER.indexOf(names[a]) - ORDER.indexOf(names[b]));
  const [best] = near;
  if (best === undefined || distance(best) * scaleOf(view, width) > tolerancePx) return { frame: whole, to: "frame" };
  return { frame: frames[best], to: names[best] };
}
