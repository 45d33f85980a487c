// Markers and MIDI as other programs write them, and there and back for any plan.

import assert from "node:assert/strict";
import test from "node:test";

import { exportFile, importFile } from "../../../js/editor/plan/formats.mjs";
import { framesOf, KINDS } from "../../../js/editor/plan/plan.mjs";
import { assertRefused, planOf } from "../helpers/plan_cases.mjs";

const PLAN = { ...planOf([[0, "first"], [7, "peak"]]), n_frames: 4000 };
const imported = (file, fps = 24) => importFile(file, { plan: { ...PLAN, fps } });
const framesIn = (file, fps) => framesOf(imported(file, fps).plan);
const short = ({ keyframes }) => keyframes.map(({ frame, kind, locked }) => [frame, kind, locked]);

/** A small generator of numbers in [0, 1) from a seed. */
function numbers(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function anyPlan(seed) {
  const next = numbers(seed);
  const rates = [8, 12.5, 16, 23.976, 24000 / 1001, 24, 25, 29.97, 30, 50, 59.94, 60, 120, 240];
  const n_frames = 2 + Math.floor(next() * 20000);
  const frames = new Set([0]);
  for (let i = 0; i < next() * 40; i++) frames.add(Math.floor(next() * n_frames));
  const kinds = KINDS.filter((kind) => kind !== "first");
  const rows = [...frames]
    .sort((a, b) => a - b)
    .map((frame) => [frame, frame ? kinds[Math.floor(next() * 4)] : "first", "edit", next() < 0.3]);
  return planOf(rows, { fields: { n_frames, fps: rates[Math.floor(next() * rates.length)] } });
}

test("300 plans of any rate go out to markers and MIDI and come back with frames, kinds and locks", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const plan = anyPlan(seed);
    for (const format of ["audacity", "edl", "reaper", "audition", "midi"]) {
      const file = exportFile(plan, format);
      const back = importFile(file, { plan });
      assert.deepEqual([back.format, back.notes, short(back.plan)], [format, [], short(plan)], `${seed} ${format}`);
    }
  }
});

test("notes go out with 300 plans and come back at their frames; what ends a field in other programs is a space", () => {
  const texts = ["first verse", 'she said "now"', "a, b; c", "peak", "note: x", "Où? 歌 🎵", "two\nlines | here\tand"];
  const plain = (text) => text.replace(/[\s|]+/g, " ");
  for (let seed = 1; seed <= 300; seed++) {
    const plan = anyPlan(seed);
    const next = numbers(seed + 1000);
    const notes = texts.map((text) => ({ time_s: Math.floor(next() * plan.n_frames) / plan.fps, text }));
    notes.sort((a, b) => a.time_s - b.time_s);
    for (const format of ["audacity", "edl", "reaper", "audition", "midi", "json"]) {
      const back = importFile(exportFile(plan, format, notes), { plan });
      assert.deepEqual(short(back.plan), short(plan), `${seed} ${format}`);
      const [out, found] = [notes, back.texts].map((list) =>
        list.map(({ time_s, text }) => [Math.round(time_s * plan.fps), plain(text)]).sort(),
      );
      assert.deepEqual(found, out, `${seed} ${format}`);
    }
  }
});

test("the name that another program gave to a marker is a note beside the keyframe; a note past the end stays out", () => {
  const labels = "0.500000\t0.500000\tchorus\n1.000000\t1.000000\tpeak (locked)\n";
  const { plan, texts } = imported(labels);
  assert.deepEqual(short(plan), [[0, "first", false], [12, "manual", false], [24, "peak", true]]);
  assert.deepEqual(texts, [{ time_s: 0.5, text: "chorus" }]);
  const late = exportFile(PLAN, "audacity", [{ time_s: 1e5, text: "late" }]);
  assert.ok(!late.includes("late"));
});

test("names of markers in a MIDI file are notes, where they are and not only at its notes", () => {
  // 480 ticks a quarter, 120 beats a minute: "Verse 1" at 0.25 s, a drum at 0.5 s
  const words = [..."Verse 1"].map((letter) => letter.charCodeAt(0));
  const track = [0x81, 0x70, 0xff, 0x06, words.length, ...words, 0x81, 0x70, 0x99, 38, 100, 0, 0xff, 0x2f, 0];
  const head = [..."MThd"].map((letter) => letter.charCodeAt(0));
  const name = [..."MTrk"].map((letter) => letter.charCodeAt(0));
  const file = Uint8Array.from([...head, 0, 0, 0, 6, 0, 0, 0, 1, 0x01, 0xe0, ...name, 0, 0, 0, track.length, ...track]);
  const { plan, texts } = imported(file);
  assert.deepEqual([framesOf(plan), texts], [[0, 12], [{ time_s: 0.25, text: "Verse 1" }]]);
});

test("a note without words makes no keyframe, and odd notes of a timing file are said", () => {
  const notes = [" ", "|", "keep me"].map((text, i) => ({ time_s: i, text }));
  for (const format of ["audacity", "edl", "reaper", "audition", "midi"]) {
    const { plan, texts } = imported(exportFile(PLAN, format, notes));
    assert.deepEqual([framesOf(plan), texts.map(({ text }) => text)], [[0, 7], ["keep me"]], format);
  }
  const odd = exportFile(PLAN, "json", [...notes, { time_s: -1, text: "x" }]);
  const found = imported(odd);
  assert.deepEqual(found.texts.map(({ text }) => text), ["|", "keep me"]);
  assert.match(found.notes.join(), /2 notes without a time or without words/);
});

test("timeline markers of Resolve: names are free, the timeline begins at one hour", () => {
  const edl = [
    "TITLE: Timeline 1",
    "FCM: NON-DROP FRAME",
    "",
    "001  001      V     C        01:00:00:12 01:00:00:13 01:00:00:12 01:00:00:13  ",
    "kick |C:ResolveColorBlue |M:Marker 1 |D:1",
    "",
    "002  001      V     C        01:00:02:00 01:00:02:01 01:00:02:00 01:00:02:01  ",
    " |C:ResolveColorRed |M:valley (locked) |D:1",
  ].join("\r\n");
  const { plan, format } = imported(edl);
  assert.equal(format, "edl");
  assert.deepEqual(short(plan), [[0, "first", false], [12, "manual", false], [48, "valley", true]]);
});

test("locators of Avid and Premiere; shots where there are none; a list that begins at another hour", () => {
  const loc = "TITLE: A\n* LOC: 00:00:01:00 red   door\n* LOC: 00:00:03:12 green\n\n001  BARS V C 00:58:00:00 00:58:30:00 00:00:00:00 00:00:09:00\n";
  assert.deepEqual(framesIn(loc), [0, 24, 84]);
  const shots = "TITLE: A\n001  AX V C 00:00:00:00 00:00:01:00 10:00:00:00 10:00:01:00\n002  AX V C 00:00:00:00 00:00:01:00 10:00:01:00 10:00:02:00\n";
  const { plan, notes } = imported(shots);
  assert.deepEqual(framesOf(plan), [0, 24]);
  assert.ok(notes[0].includes("hour 10"));
  assertRefused(() => imported("TITLE: A\nFCM: NON-DROP FRAME\n* from 00:00:00:00\n"), "PlanError", ["no markers"]);
  const faster = imported("TITLE: A\n* LOC: 00:00:05:28 RED a\n");
  assert.ok(faster.notes[0].includes("more frames a second"));
  const late = "TITLE: A\n* LOC: 00:05:00:00 RED a\n* LOC: 00:06:00:00 RED b\n";
  assertRefused(() => imported(late), "PlanError", ["2 of 2 keyframes lie", "4000 frames"]);
});

test("drop-frame timecode counts the frames that there are", () => {
  // SMPTE 12M: at 29.97 fps minute 1 begins with number 2, and ten minutes have 17982 frames
  const list = (code) => `TITLE: A\nFCM: DROP FRAME\n* LOC: ${code} red x\n`;
  const frame = (code) => importFile(list(code), { plan: { ...PLAN, n_frames: 40000, fps: 30000 / 1001 } }).plan.keyframes[1].frame;
  assert.equal(frame("00:00:59:29"), 1799);
  assert.equal(frame("00:01:00:02"), 1800);
  assert.equal(frame("00:10:00:00"), 17982);
  assert.equal(frame("00;10;00;00"), 17982);
  const ntsc = { plan: { ...PLAN, fps: 30000 / 1001 } };
  const hour = "TITLE: A\nFCM: DROP FRAME\n* LOC: 01:00:00;00 RED a\n* LOC: 01:00:05;00 RED b\n";
  assert.deepEqual(framesOf(importFile(hour, ntsc).plan), [0, 150]);
  assert.equal(importFile("TITLE: A\n* LOC: 00:01:00;02 RED a\n", ntsc).plan.keyframes[1].frame, 1800);
  const table = "Marker Name\tIn\ndoor\t00;00;05;00\n";
  assert.equal(importFile(table, ntsc).plan.keyframes[1].frame, 150);
});

test("tables of Reaper, Audition and Premiere", () => {
  const reaper = "#,Name,Start,End,Length,Color\nM1,kick,0:00.500,,,FF0000\nR1,part,0:01:02.000,0:01:04.000,0:02.000,\n";
  assert.deepEqual(framesIn(reaper), [0, 12, 62 * 24]);
  const audition = "Name\tStart\tDuration\tTime Format\tType\tDescription\nMarker 01\t0:01.250\t0:00.000\tdecimal\tCue\t\n";
  assert.deepEqual(framesIn(audition), [0, 30]);
  const premiere = "Marker Name\tDescription\tIn\tOut\tDuration\tMarker Type\ndoor\t\t00:00:02:06\t00:00:02:06\t00:00:00:00\tComment\n";
  const utf16 = new Uint8Array([0xff, 0xfe, ...[...premiere].flatMap((one) => [one.charCodeAt(0), 0])]);
  assert.deepEqual(framesIn(utf16), [0, 54]);
  assert.deepEqual(framesIn(new TextEncoder().encode(reaper)), [0, 12, 62 * 24]);
  const inSamples = audition.replace("0:01.250", "48000").replace("decimal", "samples");
  assertRefused(() => imported(inSamples), "PlanError", ["Row 2", "48000", "minutes"]);
  assertRefused(() => imported("#,Name,Start,End,Length\nM1,a,5.1.00,,\n"), "PlanError", ["Row 2", "5.1.00", "minutes"]);
});

const text = (string) => [...string].map((one) => one.charCodeAt(0));
const midi = (tracks, { format = 1, division = [0, 96] } = {}) =>
  Uint8Array.from([
    ...text("MThd"), 0, 0, 0, 6, 0, format, 0, tracks.length, ...division,
    ...tracks.flatMap((track) => [...text("MTrk"), 0, 0, 0, track.length, ...track]),
  ]);

test("MIDI of other programs: several tracks, tempo changes, running status, messages of makers", () => {
  // 96 ticks a quarter; 120 BPM, from tick 96 on 60 BPM
  const tempo = [0, 0xff, 0x51, 3, 0x07, 0xa1, 0x20, 96, 0xff, 0x51, 3, 0x0f, 0x42, 0x40, 0, 0xff, 0x2f, 0];
  const notes = [0, 0xf0, 2, 1, 0xf7, 0, 0xc9, 5, 0, 0x99, 36, 100, 96, 36, 0, 0, 38, 90, 48, 40, 80, 0, 0xff, 0x2f, 0];
  assert.deepEqual(framesIn(midi([tempo, notes])), [0, 12, 24]);
  const padded = new Uint8Array([...midi([tempo, notes]), 0, 0, 0]);
  assert.deepEqual(framesIn(padded), [0, 12, 24]);
  const behindMeta = [0, 0x99, 36, 100, 48, 0xff, 0x01, 1, 65, 48, 38, 100, 0, 0xff, 0x2f, 0];
  assert.deepEqual(framesIn(midi([behindMeta])), [0, 12]);
  // SMPTE: 25 frames a second, 40 ticks a frame
  const smpte = midi([[0x87, 0x68, 0x99, 36, 100, 0, 0xff, 0x2f, 0]], { division: [0x100 - 25, 40] });
  assert.deepEqual(framesIn(smpte), [0, 24]);
  const markers = [48, 0xff, 0x06, 6, ...text("valley"), 0, 0xff, 0x2f, 0];
  assert.deepEqual(short(imported(midi([markers])).plan)[1], [6, "valley", false]);
});

test("damaged MIDI files are refused with a message, wherever they end", () => {
  const whole = exportFile(PLAN, "midi");
  for (let end = 4; end < whole.length - 1; end++) {
    assertRefused(() => imported(whole.slice(0, end)), "PlanError", ["MIDI file"]);
  }
  assertRefused(() => imported(midi([[0, 0xff, 0x2f, 0]])), "PlanError", ["no notes"]);
  assertRefused(() => imported(midi([], { format: 2 })), "PlanError", ["format 2"]);
  for (const division of [[0, 0], [0xe8, 0]]) {
    assertRefused(() => imported(midi([], { division })), "PlanError", ["division"]);
  }
  assertRefused(() => imported(midi([[0, 36, 100]])), "PlanError", ["damaged"]);
});

test("5000 files of random bytes behind the right first ones: a plan or a message, never another error", () => {
  const next = numbers(7);
  const byte = () => Math.floor(next() * 256);
  for (let i = 0; i < 5000; i++) {
    const track = Array.from({ length: Math.floor(next() * 60) }, byte);
    const file = i % 2 ? midi([track]) : new Uint8Array([...text("MThd"), ...track]);
    try {
      importFile(file, { plan: PLAN });
    } catch (error) {
      assert.equal(error.name, "PlanError", `${i}: ${error.stack}`);
    }
  }
});
