// Notes on the timeline: written, moved, changed and taken away, and kept as the node's own.

import assert from "node:assert/strict";
import { test } from "node:test";

import { createNotes, readNotes } from "../../../js/editor/state/notes.mjs";
import { openEditor } from "../helpers/fake_page.mjs";

const keyframes = [0, 12, 24, 40].map((frame) => {
  return { frame, kind: frame ? "peak" : "first", locked: false, source: "strongest" };
});
const PLAN = { version: 3, fps: 24, n_frames: 48, count: 4, fingerprint: null, keyframes };
const RESULT = {
  prediction: PLAN, n_frames: 48, fps: 24, curve: null, peaks: null, onsets: [], beats: [], curve_peaks: [],
  audio: null, audio_notice: "",
}; // prettier-ignore

const settled = () => new Promise((resolve) => setImmediate(resolve));
const shortOf = (kept) => kept?.notes.map(({ time_s, text }) => [time_s, text]);

function opened(t, { notes = null, typed = [] } = {}) {
  const kept = [notes];
  const asked = [];
  const host = {
    notes: () => kept.at(-1),
    keepNotes: (value) => kept.push(value),
    ask: async (_title, _message, value) => {
      asked.push(value);
      return typed.shift() ?? null;
    },
  };
  const editor = openEditor(t, { result: RESULT, host });
  return { ...editor, kept, asked };
}

test("a key writes a note at the playhead, and the same key changes it; no text of the edit is written", async (t) => {
  const { key, view, kept, asked, written } = opened(t, { typed: ["first verse", " second verse ", ""] });
  view.session.state.setPlayhead(12.3);
  for (const expected of [[[0.5, "first verse"]], [[0.5, "second verse"]], undefined]) {
    key("N", { shiftKey: true });
    await settled();
    assert.deepEqual(shortOf(kept.at(-1)), expected);
  }
  assert.deepEqual(asked, ["", "first verse", "second verse"]);
  assert.deepEqual([kept.length, written], [4, []]);
});

test("what is not typed to the end changes nothing", async (t) => {
  const { key, kept } = opened(t, { typed: [null, "  "] });
  for (let i = 0; i < 2; i++) {
    key("N", { shiftKey: true });
    await settled();
  }
  assert.equal(kept.length, 1);
});

test("the row is there only with notes, and what is in it can be dragged", async (t) => {
  const notes = { version: 1, notes: [{ time_s: 1, text: "chorus" }, { time_s: 0.25, text: "verse", colour: "red" }], by: "me" };
  const { view, kept, drag, written } = opened(t, { notes });
  assert.equal(opened(t).view.timeline.boxes().notes.height, 0);
  assert.ok(view.timeline.boxes().notes.height > 10);
  drag(24, 30, "notes");
  assert.deepEqual(shortOf(kept.at(-1)), [[0.25, "verse"], [1.25, "chorus"]]); // prettier-ignore
  assert.deepEqual([kept.at(-1).by, kept.at(-1).notes[0].colour], ["me", "red"], "others' fields are kept");
  assert.deepEqual([kept.length, written], [2, []], "one step");
});

test("a note that is dragged stays under the hand when the view moves on", (t) => {
  const { view, kept, canvas } = opened(t, { notes: { version: 1, notes: [{ time_s: 0.5, text: "verse" }] } });
  const { y, height } = view.timeline.boxes().notes;
  const at = (frame) => ({ clientX: view.timeline.pointOf(frame).clientX, clientY: y + height / 2 });
  const hand = { pointerId: 1, pointerType: "mouse", button: 0 };
  view.session.state.setView({ first: 0, span: 24 });
  const there = at(20);
  canvas.dispatch("pointerdown", { ...hand, ...at(12), timeStamp: 1000 });
  canvas.dispatch("pointermove", { ...hand, ...there, timeStamp: 1050 });
  view.session.state.setView({ first: 20, span: 24 });
  canvas.dispatch("pointermove", { ...hand, ...there, timeStamp: 1100 });
  canvas.dispatch("pointerup", { ...hand, ...there, timeStamp: 1150 });
  assert.deepEqual(shortOf(kept.at(-1)), [[40 / 24, "verse"]]);
});

test("notes of a newer version and broken ones are kept, said in their row, and nothing is written over them", async (t) => {
  for (const notes of [{ version: 2, words: [] }, { version: 1, notes: "x" }, "x", { notes: [] }]) {
    const { key, kept, said, view } = opened(t, { notes, typed: ["mine"] });
    assert.ok(view.timeline.boxes().notes.height > 10);
    key("N", { shiftKey: true });
    await settled();
    assert.deepEqual(kept, [notes]);
    assert.match(said(), /kept/);
  }
});

test("an entry that is no note is kept beside the others", async (t) => {
  const odd = { time_s: -1, text: "x" };
  const { key, kept } = opened(t, { notes: { version: 1, notes: [odd, { time_s: 1, text: "a" }] }, typed: ["b"] });
  key("N", { shiftKey: true });
  await settled();
  assert.deepEqual(kept.at(-1).notes, [{ time_s: 0, text: "b" }, { time_s: 1, text: "a" }, odd]); // prettier-ignore
});

test("at a frame that has a note, that one is changed; one that went meanwhile is not changed twice", async (t) => {
  const one = () => ({ version: 1, notes: [{ time_s: 0.5, text: "a" }] });
  const { key, kept, asked, view } = opened(t, { notes: one(), typed: ["b"] });
  view.session.state.setPlayhead(12);
  key("N", { shiftKey: true });
  kept.push(one()); // the same as undo makes it anew
  await settled();
  assert.deepEqual([asked, shortOf(kept.at(-1))], [["a"], [[0.5, "b"]]]);
});

test("notes are read in order of time, and those past the end are kept", () => {
  const notes = [9, 0, 1e6].map((time_s) => ({ time_s, text: "a" }));
  assert.deepEqual(
    readNotes({ version: 1, notes }).notes.map(({ time_s }) => time_s),
    [0, 9, 1e6],
  );
  for (const wrong of [{ time_s: -1, text: "a" }, { time_s: NaN, text: "a" }, { time_s: 1 }, { time_s: 1, text: " " }, null, 7]) {
    assert.deepEqual(readNotes({ version: 1, notes: [wrong] }).odd, [wrong]);
  }
});

test("an import adds notes that are not there yet, also where the other program has changed what it could not keep", () => {
  let kept = { version: 1, notes: [{ time_s: 0.51, text: "a |  b" }] };
  const said = [];
  const host = { notes: () => kept, keepNotes: (value) => (kept = value) };
  const notes = createNotes({ host, showMessage: (message) => said.push(message) });
  const how = { fps: 24, isStep: true };
  assert.equal(notes.add([{ time_s: 0.5, text: "a b" }, { time_s: 0.25, text: "b" }], how), ""); // prettier-ignore
  assert.deepEqual(shortOf(kept), [[0.25, "b"], [0.51, "a |  b"]]); // prettier-ignore
  kept = { version: 2 };
  assert.match(notes.add([{ time_s: 0, text: "c" }], how), /newer/);
  assert.deepEqual(kept, { version: 2 });
});
