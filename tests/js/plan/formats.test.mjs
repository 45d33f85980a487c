// Keyframes as text for other programs: there and back, and what other programs write.

import assert from "node:assert/strict";
import test from "node:test";

import { FORMATS, exportFile, importFile } from "../../../js/editor/plan/formats.mjs";
import { framesOf, planFrom } from "../../../js/editor/plan/plan.mjs";
import { assertRefused, planOf, textOf } from "../helpers/plan_cases.mjs";

const WORDS = 'a "door", ajar;\n\u6f22\u{1f941}';
const IMAGE = 'board/a, "b".png';
const PLAN = planOf(
  [
    [0, "first"],
    [7, "peak", 'a, "b"\nc', true, { prompt: WORDS, image: IMAGE }],
    [12, "valley", "strongest"],
    [23, "manual", "edit", false, { n: [1] }],
  ],
  { fields: { mood: "wild" } },
);
const imported = (text, plan = PLAN) => importFile(text, { plan });
const sources = ({ keyframes }) => keyframes.map(({ source }) => source);
const short = ({ keyframes }) => keyframes.map(({ frame, kind, locked }) => [frame, kind, locked]);

test("each format comes back as itself, with its frames; the tables with kinds, locks, words and images; markers with kinds and locks; JSON with everything", () => {
  for (const fps of [24, 23.976, 29.97, 240]) {
    const plan = { ...PLAN, fps };
    for (const { format } of FORMATS) {
      const back = imported(exportFile(plan, format), plan);
      assert.deepEqual([back.format, back.notes, framesOf(back.plan)], [format, [], framesOf(plan)]);
      if (format === "json") assert.deepEqual(back.plan, plan);
      if (format === "csv") assert.deepEqual(sources(back.plan).slice(1, 3), ['a, "b"\nc', "strongest"]);
      const words = back.plan.keyframes.map(({ prompt }) => prompt);
      if (format === "csv") assert.deepEqual(words, [undefined, WORDS, undefined, undefined]);
      const images = back.plan.keyframes.map(({ image }) => image);
      if (format === "csv") assert.deepEqual(images, [undefined, IMAGE, undefined, undefined]);
      if (!["list", "schedule"].includes(format)) assert.deepEqual(short(back.plan), short(plan));
    }
  }
  assertRefused(() => exportFile(PLAN, "doc"), "PlanError", ["doc", "csv"]);
});

test("plan documents, edits and timing files are all read", () => {
  const plan = { ...PLAN, n_frames: 48 };
  const [document, edit] = ["plan_v1.json", "edit_v1.json"].map((name) => textOf(`unit/keyframes/documents/${name}`));
  for (const text of [document, edit, `{"keyvid_timing": 1, "plan": ${document}}`]) {
    assert.deepEqual(framesOf(imported(text, plan).plan), [0, 11, 24, 36]);
  }
  assert.equal(imported(document, plan).plan.keyframes[1].note, "the door");
  assert.deepEqual(imported(document, plan).plan.fingerprint, plan.fingerprint, "the sound is that of this clip");
  assertRefused(() => imported('{"curve": {}}'), "PlanError", ["no plan", "Save Timing"]);
  assertRefused(() => imported("{"), "PlanError", ["line 1"]);
  assertRefused(() => imported(JSON.stringify({ ...PLAN, version: 9 })), "PlanVersionError", ["version 9"]);
});

test("a file of another rate keeps its times, and says so", () => {
  const { plan, notes } = imported(JSON.stringify({ ...PLAN, fps: 12 }), { ...PLAN, n_frames: 48 });
  assert.deepEqual(framesOf(plan), [0, 14, 24, 46]);
  assert.ok(notes[0].includes("12 fps"));
});

test("a file of the same rate written another way keeps its frames, and nothing is noted", () => {
  const { plan, notes } = imported(JSON.stringify({ ...PLAN, fps: 23.976 }), { ...PLAN, fps: 24000 / 1001 });
  assert.deepEqual([framesOf(plan), plan.fps, notes], [framesOf(PLAN), 24000 / 1001, []]);
});

test("frames of other programs: unordered, twice, past the end, without 0, each noted", () => {
  const { plan, notes } = imported("24 12, 7\n7");
  assert.deepEqual(framesOf(plan), [0, 7, 12]);
  const expected = ["1 outside", "1 on a frame", "Frame 0 was added", "The plan has 3"];
  assert.ok(notes.length === 4 && expected.every((words, i) => notes[i].startsWith(words)), notes.join("\n"));
  assert.deepEqual(framesOf(imported("0:(sin(2*t)), 7:(0.5)").plan), [0, 7]);
  for (const wrong of ["", "  ", "hello", "0, x", "0, 1.5", "0:(1"]) {
    assertRefused(() => imported(wrong), "PlanError", [";"]);
  }
  assertRefused(() => imported("99"), "PlanError", ["1 of 1 keyframe lies", "24 frames"]);
});

test("tables of spreadsheets: other separators, columns and line ends", () => {
  const keyframes = (text) => short(imported(text).plan);
  assert.deepEqual(keyframes("frame;kind\r\n0;first\r\n7;Peak\r\n"), [[0, "first", false], [7, "peak", false]]);
  assert.deepEqual(keyframes("time_s\tname\n0,5\ta\n0\tb\n"), [[0, "first", false], [12, "manual", false]]);
  assert.deepEqual(keyframes('"frame","locked"\n"0","no"\n"7","TRUE"')[1], [7, "manual", true]);
  assert.ok(imported("frame,kind\n0,first\n7,snare\n").notes[0].includes('"snare"'));
  assertRefused(() => imported("frame,kind\n0,first\nx,peak\n"), "PlanError", ["Row 3", "time_s"]);
  assertRefused(() => imported('frame,kind\n0,"first\n'), "PlanError", ["quotes"]);
});

test("labels of Audacity: regions begin where they begin, names are free, frequencies are passed over", () => {
  const lines = ["0.250000 0.750000 kick_drum", "\\ 100.0 200.0", "0,500000 0,500000 valley", "0.900000 0.900000 "];
  const { plan, format } = imported(lines.join("\r\n").replaceAll(" ", "\t"));
  assert.equal(format, "audacity");
  assert.deepEqual(framesOf(plan), [0, 6, 12, 22]);
  assert.deepEqual(short(plan).map(([, kind]) => kind), ["first", "manual", "valley", "manual"]);
  assertRefused(() => imported("0.25\t0.25\ta\nhello\n"), "PlanError", ["Line 2", "hello"]);
});

test("an import gives a plan that can be saved", () => {
  for (const text of ["3, 5", "0.1\t0.1\tx\n", "frame\n9\n"]) {
    const { plan } = imported(text);
    assert.deepEqual(planFrom(JSON.parse(JSON.stringify(plan))), plan);
  }
});
