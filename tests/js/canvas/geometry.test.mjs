// Frames to pixels and back, the bands, and what is under the pointer.

import assert from "node:assert/strict";
import test from "node:test";

import * as geometry from "../../../js/editor/canvas/geometry.mjs";

const { MARGIN, clampView, fit, framesInBox, frameToX, hit, layout, panBy, reveal, visible, xToFrame, zoomAt } =
  geometry;

const planAt = (frames, nFrames = 480) => ({
  n_frames: nFrames,
  keyframes: frames.map((frame) => ({ frame, kind: frame ? "peak" : "first", locked: false })),
});
const VIEWS = [fit(48), { first: 10, span: 12 }, { first: 0, span: 6 }, { first: 473.5, span: 6.5 }];

function assertNear(value, wanted, message) {
  assert.ok(Math.abs(value - wanted) < 1e-6, `${message ?? ""} ${value} is not ${wanted}`);
}

test("a frame's place leads back to the frame", () => {
  for (const view of VIEWS) {
    for (const width of [320, 700, 1601]) {
      for (const frame of [0, 7, 10.25, 479]) assertNear(xToFrame(frameToX(frame, view, width), view, width), frame);
    }
  }
});

test("a whole clip is between the margins", () => {
  assert.equal(frameToX(0, fit(48), 700), MARGIN);
  assertNear(frameToX(48, fit(48), 700), 700 - MARGIN);
});

test("the frame under the pointer stays where it is while zooming", () => {
  const nFrames = 480;
  for (const factor of [1.25, 2, 0.8]) {
    const view = { first: 100, span: 100 };
    const before = frameToX(140, view, 700);
    const zoomed = zoomAt(view, 140, factor, nFrames);
    assertNear(zoomed.span, 100 / factor);
    assertNear(frameToX(140, zoomed, 700), before);
  }
});

test("no view leaves the clip, and none gets nearer than a few frames", () => {
  for (const nFrames of [2, 5, 48, 10_000]) {
    let view = fit(nFrames);
    for (const [factor, delta] of [
      [2, 3],
      [2, 1e5],
      [0.3, -2],
      [100, 0],
      [1e-3, 5],
      [3, -1e6],
      [7, nFrames / 2],
    ]) {
      view = panBy(zoomAt(view, view.first + view.span / 3, factor, nFrames), delta, nFrames);
      assert.ok(view.first >= 0 && view.first + view.span <= nFrames + 1e-9, JSON.stringify(view));
      assert.ok(view.span >= Math.min(6, nFrames), JSON.stringify(view));
    }
  }
  assert.deepEqual(clampView({ first: NaN, span: NaN }, 48), fit(48));
});

test("a view moves no further than it must to show a frame", () => {
  const view = { first: 100, span: 50 };
  assert.deepEqual(reveal(view, 120, 480), view);
  assertNear(reveal(view, 90, 480).first, 86);
  assertNear(reveal(view, 160, 480).first, 114);
  assert.deepEqual(reveal(view, 0, 480), { first: 0, span: 50 });
  assert.deepEqual(reveal(view, 479, 480), { first: 430, span: 50 });
});

test("what is visible is what a look at every frame finds", () => {
  const frames = [0, 3, 9, 10, 11, 50, 51, 400, 479];
  for (const view of VIEWS) {
    for (const pad of [0, 1, 30]) {
      const inside = frames.filter((frame) => frame >= view.first - pad && frame <= view.first + view.span + pad);
      assert.deepEqual(frames.slice(...visible(frames, view, pad)), inside, JSON.stringify([view, pad]));
    }
  }
  assert.deepEqual(visible([], fit(48)), [0, 0]);
});

test("a box takes the markers inside it, drawn from either side", () => {
  const plan = planAt([0, 5, 9, 20, 31]);
  const view = fit(48);
  const [left, right] = [frameToX(5, view, 700), frameToX(20, view, 700)];
  assert.deepEqual(framesInBox(plan, view, 700, left - 1, right + 1), [5, 9, 20]);
  assert.deepEqual(framesInBox(plan, view, 700, right + 1, left - 1), [5, 9, 20]);
  assert.deepEqual(framesInBox(plan, view, 700, left, right), [5, 9, 20]);
  assert.deepEqual(framesInBox(plan, view, 700, left + 1, right - 1), [9]);
  assert.deepEqual(framesInBox(null, view, 700, 0, 700), []);
});

test("bands fill the height from top to bottom, without gaps", () => {
  for (const height of [90, 120, 170, 240, 400]) {
    for (const hasImages of [false, true]) {
      const boxes = layout(700, height, { hasImages });
      let y = 0;
      for (const name of ["ruler", "images", "wave", "keys", "overview"]) {
        assert.equal(boxes[name].y, y, `${name} of ${height}`);
        y += boxes[name].height;
      }
      assert.equal(y, height);
      assert.ok(boxes.wave.height >= 20, `${height}: the waveform has ${boxes.wave.height}`);
      if (!hasImages) assert.equal(boxes.images.height, 0);
    }
  }
  assert.ok(layout(700, 240, { hasImages: true }).images.height > 40);
});

const BOXES = layout(700, 240, { hasImages: true });
const middleOf = ({ y, height }) => y + height / 2;
const at = (plan, band, x, more = {}) => hit(plan, more.view ?? fit(48), BOXES, x, middleOf(BOXES[band]), more);

test("each band tells what it is", () => {
  const plan = planAt([0, 24], 48);
  const x = frameToX(12, fit(48), 700);
  for (const [band, part] of [
    ["ruler", "ruler"],
    ["images", "wave"],
    ["wave", "wave"],
    ["keys", "keys"],
  ]) {
    const found = at(plan, band, x);
    assert.deepEqual([found.part, found.frame], [part, null], band);
    assertNear(found.at, 12);
  }
  assert.equal(hit(plan, fit(48), BOXES, x, 1000).part, "overview"); // captured, and dragged out of the canvas
  assert.equal(hit(plan, fit(48), BOXES, x, -5).part, "ruler");
});

test("a marker is grabbed near it, further away with a finger, and the nearest one wins", () => {
  const plan = planAt([0, 24, 26], 48);
  const x = frameToX(24, fit(48), 700);
  assert.equal(at(plan, "keys", x - 9).frame, 24);
  assert.equal(at(plan, "keys", x - 12).frame, null);
  assert.equal(at(plan, "keys", x - 12, { touch: true }).frame, 24);
  assert.equal(at(plan, "keys", x - 23, { touch: true }).frame, null);
  assert.equal(at(plan, "keys", frameToX(25.2, fit(48), 700), { touch: true }).frame, 26);
});

test("a stem is grabbed where it is alone, and leaves space for a box where not", () => {
  const alone = planAt([0, 24], 48);
  assert.deepEqual([at(alone, "wave", frameToX(24, fit(48), 700) + 3).part], ["key"]);
  assert.equal(at(alone, "wave", frameToX(24, fit(48), 700) + 6).part, "wave");
  const crowd = planAt(Array.from({ length: 240 }, (_, i) => 2 * i));
  assert.equal(at(crowd, "wave", frameToX(24, fit(480), 700), { view: fit(480) }).part, "wave");
});

test("an image belongs to its keyframe", () => {
  const plan = planAt([0, 24], 48);
  assert.deepEqual(
    [
      at(plan, "images", frameToX(24, fit(48), 700) + 15).part,
      at(plan, "images", frameToX(24, fit(48), 700)).frame,
    ],
    ["image", 24],
  );
});

test("the loop is taken by its edges, the overview by its window", () => {
  const plan = planAt([0, 24], 48);
  const x = (frame) => frameToX(frame, fit(48), 700);
  assert.deepEqual(
    [at(plan, "ruler", x(10) + 3, { loop: [10, 20] }).edge, at(plan, "ruler", x(20) - 3, { loop: [10, 20] }).edge],
    ["start", "end"],
  );
  assert.equal(at(plan, "ruler", x(15), { loop: [10, 20] }).part, "ruler");
  const view = { first: 12, span: 24 };
  assert.deepEqual(
    [x(12), x(24), x(36) + 2, x(44)].map((place) => at(plan, "overview", place, { view }).edge),
    ["start", "window", "end", null],
  );
  assertNear(at(plan, "overview", x(44), { view }).at, 44);
  const narrow = { view: { first: 12, span: 0.5 } };
  assert.deepEqual(
    [x(12) - 4, x(12.2), x(12.5) + 4, x(12.5) + 9].map((place) => at(plan, "overview", place, narrow).edge),
    ["window", "window", "window", null],
  );
});
