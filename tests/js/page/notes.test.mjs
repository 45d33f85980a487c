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

test("notes of a newer version and broken ones are kept, and nothing is written over them", async (t) => {
  for (const notes of [{ version: 2, words: [] }, { version: 1, notes: [{ text: "x" }] }, "x", { notes: [] }]) {
    const { key, kept, said } = opened(t, { notes, typed: ["mine"] });
    key("N", { shiftKey: true });
    await settled();
    assert.deepEqual(kept, [notes]);
    assert.match(said(), /kept/);
  }
});

test("notes are read in order of time, and those past the end are kept", () => {
  const notes = [9, 0, 1e6].map((time_s) => ({ time_s, text: "a" }));
  assert.deepEqual(readNotes({ version: 1, notes }).notes.map(({ time_s }) => time_s), [0, 9, 1e6]);
  for (const wrong of [{ time_s: -1, text: "a" }, { time_s: NaN, text: "a" }, { time_s: 1 }, null, 7]) {
    assert.ok(readNotes({ version: 1, notes: [wrong] }).problem);
  }
});

test("an import adds notes that are not there yet", () => {
  let kept = { version: 1, notes: [{ time_s: 1, text: "a" }] };
  const notes = createNotes({ host: { notes: () => kept, keepNotes: (value) => (kept = value) }, showMessage() {} });
  notes.add([{ time_s: 1, text: "a" }, { time_s: 0.5, text: "b" }]); // prettier-ignore
  assert.deepEqual(shortOf(kept), [[0.5, "b"], [1, "a"]]); // prettier-ignore
});
