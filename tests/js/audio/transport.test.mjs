// Where playing is, as arithmetic.

import assert from "node:assert/strict";
import test from "node:test";

import { loopCrossings, placeAfter, startOf } from "../../../js/editor/audio/transport.mjs";
import { near } from "../helpers/fake_audio.mjs";

test("a loop brings the place back to its start", () => {
  near(placeAfter(3, null), 3);
  near(placeAfter(1.4, [1, 1.5]), 1.4);
  near(placeAfter(1.5, [1, 1.5]), 1);
  near(placeAfter(2.6, [1, 1.5]), 1.1);
});

test("playing begins where it was asked for, or in the loop, or anew at the end", () => {
  assert.equal(startOf(1.2, { loop: null, endS: 2 }), 1.2);
  assert.equal(startOf(2, { loop: null, endS: 2 }), 0);
  assert.equal(startOf(1.2, { loop: [1, 1.5], endS: 2 }), 1.2);
  for (const outside of [0.2, 1.5, 1.9]) assert.equal(startOf(outside, { loop: [1, 1.5], endS: 2 }), 1);
});

test("each time is passed once a round, however the time is cut into pieces", () => {
  const times = [0, 0.5, 1, 1.25, 1.5, 1.9];
  for (const loop of [null, [1, 1.5], [0, 2]]) {
    const whole = loopCrossings(times, { after: 0.5, until: 7, loop });
    const pieces = [];
    for (let at = 0; at < 650; at += 13) {
      const [after, until] = [0.5 + at / 100, 0.5 + Math.min(650, at + 13) / 100];
      pieces.push(...loopCrossings(times, { after, until, loop }));
    }
    assert.deepEqual(pieces.length, whole.length);
    pieces.forEach((time, i) => near(time, whole[i]));
    for (const crossing of whole) {
      const found = placeAfter(crossing, loop);
      assert.ok(times.some((time) => Math.abs(time - found) < 1e-9), `${found} is none of the times`);
    }
  }
  assert.deepEqual(loopCrossings(times, { after: 0.5, until: 7, loop: null }), [0.5, 1, 1.25, 1.5, 1.9]);
  const looped = loopCrossings(times, { after: 0.5, until: 2.1, loop: [1, 1.5] });
  assert.deepEqual(looped, [0.5, 1, 1.25, 1.5, 1.75, 2]);
});
