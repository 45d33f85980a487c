// The pyramid of minima and maxima, against a look at every bucket.

import assert from "node:assert/strict";
import test from "node:test";

import { fit, xToFrame } from "../../../js/editor/canvas/geometry.mjs";
import { columns, levelsOf } from "../../../js/editor/canvas/levels.mjs";

const noise = (n, seed) =>
  Float32Array.from({ length: n }, (_, i) => Math.sin(i * 12.9898 + seed) * Math.cos(i * 0.01));
const sound = (n) => {
  const max = noise(n, 1).map(Math.abs);
  return [max.map((value) => -value * 0.7), max];
};

/** Lowest and highest bucket that touches the frames from a to b. */
function extremes(min, max, nFrames, a, b) {
  const perFrame = min.length / nFrames;
  const first = Math.max(0, Math.floor(a * perFrame));
  const last = Math.min(min.length, Math.max(first + 1, Math.ceil(b * perFrame)));
  return [Math.min(...min.slice(first, last)), Math.max(...max.slice(first, last))];
}

test("columns hold every extreme of what they show, and nothing from further than a neighbour", () => {
  for (const [nFrames, nBuckets] of [
    [48, 384],
    [480, 3840],
    [10_000, 4096],
    [300, 299],
  ]) {
    const [min, max] = sound(nBuckets);
    const levels = levelsOf(min, max);
    for (const view of [fit(nFrames), { first: nFrames / 3, span: nFrames / 2 }]) {
      const [width, ratio] = [200, 1];
      const found = columns(levels, view, width, nFrames, ratio);
      const perColumn = xToFrame(1, view, width) - xToFrame(0, view, width);
      if ((perColumn * nBuckets) / nFrames < 1) continue; // interpolated
      for (let x = 0; x < width; x++) {
        const a = xToFrame(x, view, width);
        if (Math.abs(a + perColumn) < 1e-9 || Math.abs(a - nFrames) < 1e-9) continue; // rounding decides
        if (a + perColumn <= 0 || a >= nFrames) {
          assert.ok(Number.isNaN(found.min[x]) && Number.isNaN(found.max[x]), `column ${x}`);
          continue;
        }
        const [low, high] = extremes(min, max, nFrames, a + 1e-9, a + perColumn - 1e-9);
        const [lowest, highest] = extremes(min, max, nFrames, a - perColumn, a + 2 * perColumn);
        assert.ok(found.min[x] <= low && found.min[x] >= lowest, `minimum of column ${x}: ${found.min[x]}`);
        assert.ok(found.max[x] >= high && found.max[x] <= highest, `maximum of column ${x}: ${found.max[x]}`);
      }
    }
  }
});

test("near in, columns pass through the middle of each bucket and stay between neighbours", () => {
  const [min, max] = sound(48);
  const view = { first: 10, span: 6 };
  const found = columns(levelsOf(min, max), view, 1236, 48); // 200 columns per bucket
  for (let frame = 11; frame < 15; frame++) {
    const x = Math.round(18 + (frame + 0.5 - 10) * 200);
    assert.ok(Math.abs(found.max[x] - max[frame]) < 0.02, `bucket ${frame}`);
    for (let i = x; i < x + 200; i++) {
      const [a, b] = [max[frame], max[frame + 1]];
      assert.ok(found.max[i] >= Math.min(a, b) - 0.02 && found.max[i] <= Math.max(a, b) + 0.02, `column ${i}`);
    }
  }
});

test("a dense display has a column per pixel of its own", () => {
  const levels = levelsOf(...sound(400));
  assert.equal(columns(levels, fit(48), 300, 48, 2).min.length, 600);
  assert.equal(columns(levels, fit(48), 300.5, 48, 1).min.length, 301);
});

test("one bucket, silence and nothing at all are fine", () => {
  assert.equal(levelsOf([], []), null);
  assert.equal(levelsOf(null, null), null);
  assert.equal(levelsOf([0, 0], [0, 0]).peak, 0);
  assert.equal(levelsOf([-0.5, 0], [0.25, 0]).peak, 0.5);
  const { max } = columns(levelsOf([-1], [1]), fit(48), 100, 48);
  assert.equal(max[50], 1);
  assert.ok(Number.isNaN(max[0]));
});
