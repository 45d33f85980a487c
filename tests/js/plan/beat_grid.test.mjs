// The beats that are drawn and snapped to.

import assert from "node:assert/strict";
import test from "node:test";

import { BEAT_GRIDS, beatsOn } from "../../../js/editor/plan/beat_grid.mjs";

test("every second beat, the others, and those between", () => {
  const beats = [3, 15, 27, 40];
  assert.deepEqual(beatsOn(beats, "as heard"), beats);
  assert.deepEqual(beatsOn(beats, "half"), [3, 27]);
  assert.deepEqual(beatsOn(beats, "half, the others"), [15, 40]);
  assert.deepEqual(beatsOn(beats, "double"), [3, 9, 15, 21, 27, 34, 40]);
});

test("a pause has no beat in its middle, and neighbouring frames none between them", () => {
  assert.deepEqual(beatsOn([0, 10, 20, 100, 110], "double"), [0, 5, 10, 15, 20, 100, 105, 110]);
  assert.deepEqual(beatsOn([4, 5, 6], "double"), [4, 5, 6]);
});

test("no beats and one beat give no more", () => {
  for (const grid of BEAT_GRIDS) {
    assert.deepEqual(beatsOn([], grid), []);
    assert.deepEqual(beatsOn(undefined, grid), []);
    assert.deepEqual(beatsOn([7], grid), grid === "half, the others" ? [] : [7]);
  }
});
