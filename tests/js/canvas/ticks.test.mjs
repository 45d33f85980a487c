// The ruler's ticks in every unit.

import assert from "node:assert/strict";
import test from "node:test";

import { fit, frameToX, scaleOf } from "../../../js/editor/canvas/geometry.mjs";
import { ticks } from "../../../js/editor/canvas/ticks.mjs";
import { UNITS } from "../../../js/editor/plan/timebase.mjs";

const FIGURE_PX = 6.3; // one of the ruler's figures at 10.5 px

function* cases() {
  for (const unit of UNITS) {
    for (const fps of [6, 23.976, 24, 30, 60, 240]) {
      for (const width of [320, 420, 1600]) {
        for (const nFrames of [2, 48, 480, 10_000, 432_000]) {
          for (const view of [fit(nFrames), { first: nFrames * 0.7, span: Math.min(nFrames * 0.3, 9.5) }]) {
            yield { unit, fps, width, view, nFrames };
          }
        }
      }
    }
  }
}

test("figures never touch, ticks never crowd, and there is always a figure", () => {
  for (const { unit, fps, width, view, nFrames } of cases()) {
    const where = JSON.stringify({ unit, fps, width, view });
    const found = ticks(view, width, unit, fps);
    assert.ok(found.some(({ label }) => label) || view.span < nFrames, where);
    let end = -Infinity;
    let last = -Infinity;
    for (const { frame, label, major } of found) {
      assert.equal(major, label !== null, where);
      const x = frameToX(frame, view, width);
      assert.ok(x - last >= 6, `${where}: ticks ${x - last} px apart`);
      last = x;
      if (!label) continue;
      assert.ok(x > end, `${where}: ${label} begins before its neighbour ends`);
      end = x + label.length * FIGURE_PX;
    }
    assert.ok(found.length <= width / 5, where);
  }
});

test("ticks cover the view with its margins, evenly, and begin at 0", () => {
  for (const { unit, fps, width, view } of cases()) {
    const found = ticks(view, width, unit, fps);
    if (found.length < 3) continue;
    const step = found[1].frame - found[0].frame;
    found.slice(1).forEach(({ frame }, i) => assert.ok(Math.abs(frame - found[i].frame - step) < 1e-6));
    assert.ok(found[0].frame >= 0);
    assert.ok(found[0].frame === 0 || frameToX(found[0].frame - step, view, width) < 0);
    assert.ok(
      frameToX(found.at(-1).frame + step, view, width) > width - 1e-6,
      JSON.stringify({ unit, fps, width, view }),
    );
  }
});

test("figures read as the unit is written", () => {
  const labels = (view, unit, fps = 24) =>
    ticks(view, 700, unit, fps)
      .map(({ label }) => label)
      .filter(Boolean);
  assert.deepEqual(labels(fit(48), "frames").slice(0, 3), ["0", "5", "10"]);
  assert.deepEqual(labels(fit(48), "seconds").slice(0, 3), ["0.0 s", "0.2 s", "0.4 s"]);
  assert.deepEqual(labels(fit(48), "timecode").slice(0, 3), ["0:00:00", "0:00:06", "0:00:12"]);
  assert.deepEqual(labels(fit(4800), "seconds"), ["0 s", "30 s", "1:00", "1:30", "2:00", "2:30", "3:00"]);
});

test("figures are where they say, and no two say the same", () => {
  for (const { unit, fps, width, view } of cases()) {
    const labels = ticks(view, width, unit, fps).filter(({ label }) => label);
    assert.equal(new Set(labels.map(({ label }) => label)).size, labels.length, JSON.stringify({ unit, fps, view }));
    if (unit !== "seconds") continue;
    for (const { frame, label } of labels) {
      const [seconds, minutes = 0] = label.replace(" s", "").split(":").reverse().map(Number);
      assert.ok(Math.abs((minutes * 60 + seconds) * fps - frame) < 1e-3 * fps, `${label} at ${frame / fps} s`);
    }
  }
});

test("frames are ticked one by one when there is room", () => {
  const view = { first: 10, span: 12 };
  assert.ok(scaleOf(view, 700) > 40);
  const found = ticks(view, 700, "frames", 24);
  assert.deepEqual(
    found.slice(0, 2).map(({ frame }) => frame),
    [10, 11],
  );
});
