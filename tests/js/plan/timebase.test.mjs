// Frames and seconds: the table that keyframes/timebase.py is held to as well, and how a frame is written and typed.

import assert from "node:assert/strict";
import test from "node:test";

import {
  UNITS,
  frameAt,
  label,
  parseFrame,
  distinctRates,
  roundedRate,
  sameRate,
  timeAt,
  timecode,
} from "../../../js/editor/plan/timebase.mjs";
import { textOf } from "../helpers/plan_cases.mjs";

const table = JSON.parse(textOf("timebase_table.json"));
const RATES = [1, 6, 12, 23.976, 24, 25, 29.97, 30, 59.94, 60, 120, 240];

test("frames and seconds are those of the table", () => {
  assert.ok(table.frame_at.length >= 20 && table.time_at.length >= 10);
  for (const { time_s, fps, frame } of table.frame_at) assert.equal(frameAt(time_s, fps), frame, `${time_s} ${fps}`);
  for (const { time_s, fps, frame } of table.time_at) assert.equal(timeAt(frame, fps), time_s, `${frame} ${fps}`);
});

test("rates that are the same are reported as the same", () => {
  assert.ok(table.same_rate.length >= 60);
  for (const { a, b, n_frames, same } of table.same_rate) {
    assert.equal(sameRate(a, b, n_frames), same, `${a} ${b} ${n_frames}`);
    assert.equal(sameRate(b, a, n_frames), same, `${b} ${a} ${n_frames}`);
  }
});

test("a rate in three decimals is one number, and two rates that differ are written so that it shows", () => {
  assert.deepEqual([24000 / 1001, 23.976, 24, 239.76].map(roundedRate), [23.976, 23.976, 24, 239.76]);
  assert.deepEqual(distinctRates(24, 30000 / 1001), ["24", "29.97"]);
  assert.deepEqual(distinctRates(23.976, 24000 / 1001), ["23.976", "23.976024"]);
  assert.deepEqual(distinctRates(24, 24), ["24", "24"]);
});

test("timecode counts frames within seconds and seconds within minutes", () => {
  assert.equal(timecode(0, 24), "0:00:00");
  assert.equal(timecode(47, 24), "0:01:23");
  assert.equal(timecode(24 * 61 + 5, 24), "1:01:05");
  assert.equal(timecode(24, 23.976), "0:01:00");
  assert.equal(timecode(5, 6), "0:00:05");
  assert.equal(timecode(99, 100), "0:00:99");
  assert.equal(timecode(100, 101), "0:00:100");
  assert.equal(timecode(7, 240), "0:00:007");
  assert.equal(timecode(-25, 24), "-0:01:01");
});

test("a label is short, and tells frames apart", () => {
  assert.deepEqual(UNITS.map((unit) => label(36, unit, 24)), ["36", "1.50 s", "0:01:12"]);
  assert.equal(label(1, "seconds", 240), "0.004 s");
});

test("what a label says, typed, is that frame again in every unit and at every rate", () => {
  for (const fps of RATES) {
    for (const unit of UNITS) {
      for (let frame = 0; frame < 3000; frame += 1) {
        assert.equal(parseFrame(label(frame, unit, fps), unit, fps), frame, `${label(frame, unit, fps)} at ${fps}`);
      }
    }
  }
});

test("a frame may be typed in any unit, and anything else is null", () => {
  assert.equal(parseFrame(" 12 ", "frames", 24), 12);
  assert.equal(parseFrame("1.5", "seconds", 24), 36);
  assert.equal(parseFrame("1,5", "seconds", 24), 36);
  assert.equal(parseFrame(".5", "seconds", 24), 12);
  assert.equal(parseFrame("1.5 s", "frames", 24), 36);
  assert.equal(parseFrame("36f", "seconds", 24), 36);
  assert.equal(parseFrame("1:12", "frames", 24), 36);
  assert.equal(parseFrame("1:00:00", "seconds", 24), 1440);
  assert.equal(parseFrame("7", "timecode", 24), 7);
  for (const wrong of ["", "x", "-1", "1.5", "1:60:00", "0:24", "1:2:3:4", "1e3", "NaN", "9".repeat(30)]) {
    assert.equal(parseFrame(wrong, "frames", 24), null, wrong);
  }
});
