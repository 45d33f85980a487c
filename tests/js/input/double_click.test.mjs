// What is a double click is the browser's to say, as the system is set; and a pen's tap may slip.

import assert from "node:assert/strict";
import { test } from "node:test";

import { openEditor } from "../helpers/fake_page.mjs";

const MIDDLE = 24;

function resultOf(frames) {
  const keyframes = frames.map((frame) => ({ frame, kind: frame ? "fill" : "first", locked: false, source: "" }));
  const prediction = { version: 1, fps: 24, n_frames: 48, count: frames.length, fingerprint: null, keyframes };
  return { prediction, n_frames: 48, fps: 24, onsets: [], beats: [], curve: null, peaks: null, audio: null };
}

const open = (t) => openEditor(t, { result: resultOf([0, 10, 30, 40]) });
const framesOf = ({ view }) => view.session.plan.keyframes.map(({ frame }) => frame);

for (const afterMs of [120, 300, 420, 480]) {
  test(`two clicks ${afterMs} ms apart add one keyframe, with the browser's dblclick or without`, (t) => {
    for (const says of [true, false]) {
      const editor = open(t);
      editor.click(MIDDLE);
      editor.click(MIDDLE, "wave", { afterMs });
      if (says) editor.canvas.dispatch("dblclick");
      assert.ok(framesOf(editor).includes(MIDDLE));
      assert.equal(editor.written.length, 1);
    }
  });
}

test("a slow double click counts if the browser calls it one, and a message follows if not", (t) => {
  const editor = open(t);
  editor.click(MIDDLE);
  editor.click(MIDDLE, "wave", { afterMs: 800 });
  assert.deepEqual(editor.written, []);
  assert.match(editor.said(), /twice faster, or press A/);
  editor.canvas.dispatch("dblclick");
  assert.ok(framesOf(editor).includes(MIDDLE));
  assert.doesNotMatch(editor.said(), /faster/);
  editor.canvas.dispatch("dblclick"); // never twice
  assert.equal(editor.written.length, 1);
});

test("clicks on two things are no double click, whatever the browser says", (t) => {
  const editor = open(t);
  editor.click(MIDDLE);
  editor.click(30, "keys", { afterMs: 700 });
  editor.canvas.dispatch("dblclick");
  assert.deepEqual(editor.written, []);
  assert.deepEqual(editor.view.session.frames, [30]);
});

test("a tap of a pen or finger may slip by a few pixels", (t) => {
  for (const [pointerType, slip] of [["pen", 6], ["pen", 9], ["touch", 11]]) {
    const editor = open(t);
    const { clientX, clientY } = editor.view.timeline.pointOf(30);
    const place = (x) => ({ pointerId: 1, pointerType, button: 0, clientX: x, clientY: clientY - 7, timeStamp: 0 });
    editor.canvas.dispatch("pointerdown", place(clientX));
    editor.canvas.dispatch("pointermove", place(clientX + slip));
    editor.canvas.dispatch("pointerup", place(clientX + slip));
    assert.deepEqual([editor.written, editor.view.session.frames], [[], [30]], `${pointerType} ${slip}`);
    editor.canvas.dispatch("pointerdown", place(clientX));
    editor.canvas.dispatch("pointermove", place(clientX + 60));
    editor.canvas.dispatch("pointerup", place(clientX + 60));
    assert.equal(editor.written.length, 1, "a drag is a drag");
  }
});
