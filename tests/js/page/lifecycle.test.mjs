// The editor's beginning and end: what is only made holds on to nothing, and what was stopped can be started again.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Editor } from "../../../js/editor/editor.mjs";
import { forget, stateOf } from "../../../js/editor/state/view_state.mjs";
import { openEditor, put } from "../helpers/fake_page.mjs";

const HOST = { write() {}, type() {}, hasPlan: () => true, urlOf: (file) => file.filename };

function resultOf(frames) {
  const keyframes = frames.map((frame) => ({ frame, kind: frame ? "peak" : "first", locked: false, source: "" }));
  const prediction = { version: 1, fps: 24, n_frames: 48, count: frames.length, fingerprint: null, keyframes };
  const audio = { filename: "clip.wav", subfolder: "", type: "temp" };
  return { prediction, n_frames: 48, fps: 24, onsets: [], beats: [], curve: null, peaks: null, audio };
}

/** A page that counts observers and open sounds. */
function counted() {
  const observers = new Set();
  const contexts = new Set();
  put();
  for (const name of ["ResizeObserver", "MutationObserver"]) {
    globalThis[name] = class {
      observe() {
        observers.add(this);
      }
      disconnect() {
        observers.delete(this);
      }
    };
  }
  const Context = globalThis.AudioContext;
  globalThis.AudioContext = function () {
    const context = Object.create(new Context());
    context.close = async () => contexts.delete(context);
    contexts.add(context);
    return context;
  };
  const held = () => [window.listeners.length, observers.size, contexts.size];
  return { held };
}

test("an editor that is only made, as for a copy, listens to nothing", () => {
  const { held } = counted();
  const view = new Editor(HOST);
  view.text = "0, 9, 31";
  assert.deepEqual(held(), [0, 0, 0]);
  assert.deepEqual(view.timeline.canvas.listeners, []);
  assert.equal(view.text, "0, 9, 31");
});

test("a stopped editor leaves nothing behind, and can be started again", async () => {
  const { held } = counted();
  const view = new Editor(HOST);
  document.body.append(view.root);
  let before = null;
  for (let round = 0; round < 2; round++) {
    view.start();
    view.start(); // once is enough
    view.setResult(resultOf([0, 10, 20]));
    before ??= [...held(), view.timeline.canvas.listeners.length];
    assert.ok(before[0] > 3 && before[1] === 2);
    assert.deepEqual([...held(), view.timeline.canvas.listeners.length], before);
    view.timeline.canvas.focus();
    view.timeline.canvas.dispatch("keydown", { key: " " });
    await new Promise((done) => setTimeout(done));
    assert.equal(held()[2], 1);
    view.stop();
    assert.deepEqual([...held(), view.timeline.canvas.listeners.length], [0, 0, 0, 0]);
  }
});

test("a text from outside ends a drag", (t) => {
  const editor = openEditor(t, { result: resultOf([0, 10, 20, 30]) });
  const { canvas, view } = editor;
  const place = (frame) => {
    const { clientX, clientY } = view.timeline.pointOf(frame);
    return { pointerId: 1, pointerType: "mouse", button: 0, clientX, clientY: clientY - 7, timeStamp: 0 };
  };
  canvas.dispatch("pointerdown", place(20));
  canvas.dispatch("pointermove", place(24));
  assert.notEqual(view.session.previewPlan, null);
  view.text = "0, 9, 31";
  assert.equal(view.session.previewPlan, null);
  canvas.dispatch("pointermove", place(26));
  canvas.dispatch("pointerup", place(26));
  assert.deepEqual([editor.written, view.text], [[], "0, 9, 31"]);
});

test("a key let go while another is in the hand settles nothing of a drag", (t) => {
  const editor = openEditor(t, { result: resultOf([0, 10, 20, 30]) });
  const { canvas, view } = editor;
  const { clientX, clientY } = view.timeline.pointOf(20);
  const pointer = { pointerId: 1, pointerType: "mouse", button: 0, timeStamp: 0 };
  const place = (x) => ({ ...pointer, clientX: x, clientY: clientY - 7 });
  canvas.dispatch("pointerdown", place(clientX));
  canvas.dispatch("pointermove", place(clientX + 60));
  editor.key("ArrowRight");
  assert.deepEqual(editor.written, []);
  canvas.dispatch("pointerup", place(clientX + 60));
  assert.equal(editor.written.length, 1);
});

test("a stretch by > ends when the key is let go, also after Shift", (t) => {
  const editor = openEditor(t, { result: resultOf([0, 10, 20, 30]) });
  editor.view.session.select([10, 20, 30]);
  editor.canvas.focus();
  editor.key(">", { shiftKey: true, isHeld: true });
  editor.key(">", { shiftKey: true, repeat: true });
  editor.canvas.dispatch("keyup", { key: "Shift" });
  assert.deepEqual(editor.written, []);
  editor.canvas.dispatch("keyup", { key: "." });
  assert.equal(editor.written.length, 1);
  assert.deepEqual(editor.view.session.frames, [10, 21, 32]);
});

test("what was seen under a key can be forgotten", () => {
  stateOf("node").playhead = 7;
  forget("node");
  assert.equal(stateOf("node").playhead, 0);
});
