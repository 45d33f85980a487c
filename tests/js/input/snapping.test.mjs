// What a dragged keyframe sticks to.

import assert from "node:assert/strict";
import test from "node:test";

import { fit } from "../../../js/editor/canvas/geometry.mjs";
import { snap, snapMarks, snapTargets } from "../../../js/editor/input/snapping.mjs";

const plan = {
  n_frames: 48,
  keyframes: [
    { frame: 0, kind: "first" },
    { frame: 10, kind: "peak" },
  ],
};
const sound = { onsets: [10, 20], beats: [12, 20, 24], peaks: [14, 20] };
const WIDTH = 516; // 10 pixels per frame of 48

test("taken frames are no targets, unless their keyframe is the one being dragged", () => {
  assert.deepEqual(Array.from(snapTargets({ plan, ...sound }).frames), [12, 14, 20, 24]);
  const free = snapTargets({ plan, moving: [10], ...sound });
  assert.deepEqual(Array.from(free.frames), [10, 12, 14, 20, 24]);
  assert.deepEqual(free.names, ["onset", "beat", "peak", "onset", "beat"]);
  assert.deepEqual(Array.from(snapTargets({ onsets: [100, 20, 3] }).frames), [3, 20, 100]);
  assert.deepEqual(Array.from(snapTargets().frames), []);
  assert.deepEqual(Array.from(snapTargets({ onsets: null, beats: null, peaks: null }).frames), []);
});

test("the nearest target within reach holds it; else it lies on a whole frame", () => {
  const targets = snapTargets({ plan, ...sound });
  const to = (frame, options) => snap(frame, targets, fit(48), WIDTH, options);
  assert.deepEqual(to(19.3), { frame: 20, to: "onset" });
  assert.deepEqual(to(13.4), { frame: 14, to: "peak" });
  assert.deepEqual(to(12.6), { frame: 12, to: "beat" });
  assert.deepEqual(to(13), { frame: 13, to: "frame" });
  assert.deepEqual(to(17.4), { frame: 17, to: "frame" });
  assert.deepEqual(to(17.4, { tolerancePx: 30 }), { frame: 20, to: "onset" });
  assert.deepEqual(to(19.4, { enabled: false }), { frame: 19, to: null });
});

test("of two equally near targets the onset holds it", () => {
  const targets = snapTargets({ beats: [12], peaks: [16], onsets: [14] });
  const wide = { tolerancePx: 50 };
  assert.deepEqual(snap(13, targets, fit(48), WIDTH, wide), { frame: 14, to: "onset" });
  assert.deepEqual(snap(15, targets, fit(48), WIDTH, wide), { frame: 14, to: "onset" });
});

test("reach is measured on the screen: further in, it spans fewer frames", () => {
  const targets = snapTargets({ onsets: [20] });
  assert.equal(snap(18.5, targets, fit(480), WIDTH).to, "onset");
  assert.equal(snap(18.5, targets, { first: 15, span: 10 }, WIDTH).to, "frame");
});

test("a weaker strike holds what no clear one, peak or beat does", () => {
  const targets = snapTargets({ onsets: [20], beats: [24], candidates: [20, 24, 30] });
  assert.deepEqual(targets.names, ["onset", "beat", "candidate"]);
  assert.deepEqual(snap(29.6, targets, fit(48), WIDTH), { frame: 30, to: "candidate" });
});

test("marks come from the run, the beats by the grid that is chosen", () => {
  const measured = { onsets: [1], candidates: [2], beats: [10, 20, 30], curve_peaks: [3] };
  assert.deepEqual(snapMarks(measured, "half"), { onsets: [1], candidates: [2], beats: [10, 30], peaks: [3] });
  assert.deepEqual(snapMarks(null, "double").beats, []);
});
