// What is done with many keyframes at once: nothing is lost, nothing shared, nothing locked moves.

import assert from "node:assert/strict";
import test from "node:test";

import * as operations from "../../../js/editor/plan/operations.mjs";
import { framesOf, keyframeAt, planFrom } from "../../../js/editor/plan/plan.mjs";
import { deleteKeyframe, lockKeyframe, moveKeyframe, nearestFree } from "../../../js/editor/plan/rules.mjs";
import { assertRefused, planOf, randomOf, randomPlan } from "../helpers/plan_cases.mjs";

const {
  deleteAll,
  distributeEvenly,
  lockAll,
  moveTogether,
  scaleTogether,
  setKinds,
  shiftAll,
  snapAll,
} = operations;

const PLAN = planOf([[0, "first"], [4, "fill"], [8, "peak"], [12, "valley", "", true], [16, "peak"], [20, "fill"]]);
const frames = ({ plan }) => framesOf(plan);

test("keyframes move together, by the same, and become the artist's", () => {
  const moved = moveTogether(PLAN, [4, 8], 2);
  assert.deepEqual([frames(moved), moved.frames], [[0, 6, 10, 12, 16, 20], [6, 10]]);
  assert.deepEqual(keyframeAt(moved.plan, 6), { frame: 6, kind: "manual", locked: false, source: "edit" });
  assert.equal(keyframeAt(moved.plan, 16), keyframeAt(PLAN, 16));
});

test("together they stop where one would land on another or leave the clip", () => {
  assert.deepEqual(moveTogether(PLAN, [4, 8], 4).frames, [7, 11]);
  assert.deepEqual(moveTogether(PLAN, [4, 8], 5).frames, [9, 13], "and pass over others, as a single one does");
  assert.deepEqual(moveTogether(PLAN, [16, 20], 99).frames, [19, 23]);
  assert.deepEqual(moveTogether(PLAN, [16, 20], -99).frames, [1, 5]);
  assert.deepEqual(moveTogether(PLAN, [0, 4, 12], 1).frames, [0, 5, 12], "frame 0 and locked ones stay");
  assert.equal(moveTogether(PLAN, [0, 12], 3).plan, PLAN);
  assert.equal(moveTogether(PLAN, [4, 8], 0).plan, PLAN);
});

test("shifting all keeps the kinds, and stops at the end of the clip", () => {
  const plan = planOf([[0, "first"], [4, "fill", "refill"], [8, "peak", "strongest"], [20, "valley"]]);
  const shifted = shiftAll(plan, 9);
  assert.deepEqual(shifted.frames, [0, 7, 11, 23]);
  assert.deepEqual(shifted.plan.keyframes.map(({ kind }) => kind), ["first", "fill", "peak", "valley"]);
  assert.deepEqual(shifted.plan.keyframes.map(({ source }) => source), ["", "edit", "edit", "edit"]);
  assert.deepEqual(shiftAll(plan, -9).frames, [0, 1, 5, 17]);
});

test("a selection is stretched about the anchor, and stops before it meets anything", () => {
  const plan = planOf([[0, "first"], [4, "fill"], [6, "peak"], [8, "peak"], [20, "fill"]]);
  assert.deepEqual(scaleTogether(plan, [4, 6, 8], 4, 2).frames, [4, 8, 12]);
  assert.deepEqual(scaleTogether(plan, [4, 6, 8], 8, 1.5).frames, [2, 5, 8]);
  assert.deepEqual(scaleTogether(plan, [4, 6, 8], 4, 0).frames, [4, 5, 6], "the tightest that keeps them apart");
  assert.deepEqual(scaleTogether(plan, [4, 6, 8], 4, 4).frames, [4, 12, 19], "20 is taken");
  assert.deepEqual(scaleTogether(plan, [4, 6, 8], 4, 1e9).frames, [4, 14, 23]);
  assert.deepEqual(scaleTogether(plan, [6, 8, 20], 20, 99).frames, [2, 5, 20], "4 is not selected");
  assert.equal(scaleTogether(plan, [4, 6, 8], 4, 1).plan, plan);
  assert.equal(scaleTogether(plan, [8], 8, 3).plan, plan);
});

test("many deleted ones leave fills away from all of them", () => {
  const { plan, frames: left } = deleteAll(PLAN, [0, 8, 12, 16]);
  assert.deepEqual(left, [0, 12]);
  assert.equal(plan.count, PLAN.count);
  const refills = plan.keyframes.filter(({ source }) => source === "refill").map(({ frame }) => frame);
  assert.deepEqual([framesOf(plan), refills], [[0, 2, 4, 12, 20, 22], [2, 22]]);
  assertRefused(() => deleteAll(PLAN, [0]), "PlanError", ["frame 0 cannot be deleted"]);
  assertRefused(() => deleteAll(PLAN, [0, 12]), "PlanError", ["frame 12 is locked"]);
  const full = planOf([[0, "first"], [1, "peak"], [2, "peak"]], { n_frames: 3 });
  assertRefused(() => deleteAll(full, [1, 2]), "PlanError", ["each of the 3 frames", "Lower the count"]);
});

test("locks and kinds", () => {
  assert.deepEqual(lockAll(PLAN, [0, 4], true).plan.keyframes.map(({ locked }) => locked).indexOf(false), 2);
  assert.equal(keyframeAt(lockAll(PLAN, [12], false).plan, 12).locked, false);
  const { plan } = setKinds(PLAN, [0, 4, 8], "peak");
  assert.deepEqual(plan.keyframes.map(({ source }) => source), ["", "edit", "", "", "", ""]);
  assert.equal(keyframeAt(plan, 4).kind, "peak");
  assertRefused(() => setKinds(PLAN, [0], "peak"), "PlanError", ["frame 0 stays"]);
  assertRefused(() => setKinds(PLAN, [4, 8], "first"), "PlanError", ["cannot become"]);
});

test("evenly between the ends and around what is locked or not selected", () => {
  const plan = planOf([[0, "first"], [1, "peak"], [2, "peak"], [3, "peak"], [20, "fill"]]);
  assert.deepEqual(frames(distributeEvenly(plan, [])), [0, 5, 10, 15, 20]);
  assert.deepEqual(frames(distributeEvenly(lockAll(plan, [2], true).plan, [])), [0, 1, 2, 11, 20]);
  assert.deepEqual(distributeEvenly(plan, [1, 3, 20]).frames, [1, 11, 20]);
  const dense = planOf([[0, "first"], [1, "peak"], [2, "peak"], [4, "manual"], [8, "fill"]]);
  assert.deepEqual(frames(distributeEvenly(dense, [0, 1, 2, 8])), [0, 2, 4, 5, 8], "4 is not given and stays");
});

test("each goes to its nearest onset, one to each", () => {
  assert.deepEqual(frames(snapAll(PLAN, [], [5, 9, 13, 15, 22])), [0, 5, 9, 12, 15, 22]);
  assert.deepEqual(frames(snapAll(PLAN, [], [6])), [0, 6, 8, 12, 16, 20], "of two equally near the earlier");
  assert.deepEqual(frames(snapAll(PLAN, [], [7])), [0, 4, 7, 12, 16, 20], "the other stays");
  assert.deepEqual(frames(snapAll(PLAN, [16], [9, 12, 21])), framesOf(PLAN), "12 is locked and taken");
  assert.deepEqual(frames(snapAll(PLAN, [4], [0])), framesOf(PLAN));
  assert.deepEqual(snapAll(PLAN, [4, 8], [10, 3]).frames, [3, 10]);
  assert.deepEqual(snapAll(PLAN, [4], [2, 6]).frames, [2], "of two onsets the earlier");
  assert.deepEqual(snapAll(PLAN, [4, 20], [-1, 24]).frames, [4, 20], "onsets outside the clip are none");
  assert.deepEqual(snapAll(PLAN, [4, 20], [23]).frames, [4, 23], "the last frame is inside");
  assert.equal(snapAll(PLAN, [], [4, 8, 16, 20]).plan, PLAN);
});

test("whatever is done: count, order and locked ones stay, and the selection is reported truly", () => {
  const random = randomOf(7);
  const some = (list) => list.filter(() => random(2));
  let nChanged = 0;
  for (let round = 0; round < 1000; round++) {
    const nFrames = 2 + random(40);
    const plan = randomPlan(random, { n_frames: nFrames });
    const before = JSON.stringify(plan);
    const chosen = some(framesOf(plan));
    const delta = random(2 * nFrames) - nFrames;
    const onsets = some([...Array(nFrames).keys()]);
    const isMovable = (frame) => frame !== 0 && !keyframeAt(plan, frame).locked;
    const [single] = chosen.filter(isMovable);
    const results = [
      moveTogether(plan, chosen, delta),
      shiftAll(plan, delta),
      scaleTogether(plan, chosen, chosen[0] ?? 0, random(40) / 10),
      scaleTogether(plan, chosen, random(nFrames) + 0.5, random(40) / 10),
      distributeEvenly(plan, chosen),
      snapAll(plan, chosen, onsets),
    ];
    if (single && plan.count < nFrames) {
      const deleted = deleteAll(plan, chosen);
      assert.equal(deleted.plan.count, plan.count);
      assert.deepEqual(deleted.frames, chosen.filter((frame) => !isMovable(frame)));
      const back = chosen.filter(isMovable).filter((frame) => keyframeAt(deleted.plan, frame));
      assert.ok(back.every((frame) => keyframeAt(deleted.plan, frame).source === "refill"));
    }
    for (const result of results) {
      assert.deepEqual(planFrom(result.plan), result.plan);
      assert.equal(result.plan.count, plan.count);
      for (const keyframe of plan.keyframes) {
        const isFixed = keyframe.locked || keyframe.frame === 0;
        if (isFixed) assert.deepEqual(keyframeAt(result.plan, keyframe.frame), keyframe);
      }
      assert.ok(result.frames.every((frame) => keyframeAt(result.plan, frame)));
      nChanged += result.plan !== plan;
    }
    const isAllMovedBy = (by) => chosen.filter(isMovable).every((frame) => results[0].frames.includes(frame + by));
    const steps = Array.from({ length: Math.abs(delta) + 1 }, (_, i) => Math.sign(delta) * i);
    assert.ok(steps.some(isAllMovedBy), "all by the same, and no farther than wanted");
    if (single) {
      const to = Math.max(0, Math.min(nFrames - 1, single + delta));
      const stop = nearestFree(plan, single, to);
      const alone = moveTogether(plan, [single], delta);
      assert.deepEqual(alone.frames, [stop]);
      assert.deepEqual(alone.plan, moveKeyframe(plan, single, stop), "one alone is moved as by the rules");
      assert.deepEqual(lockAll(plan, [single], true).plan, lockKeyframe(plan, single, true));
      if (plan.count < nFrames) assert.deepEqual(deleteAll(plan, [single]).plan, deleteKeyframe(plan, single));
    }
    assert.equal(JSON.stringify(plan), before);
  }
  assert.ok(nChanged > 1000);
});
