// The whole editor under a hand, on a page without a browser: what a press, a key and a typed number come to.

import assert from "node:assert/strict";
import { test } from "node:test";

import { openEditor } from "../helpers/fake_page.mjs";

const KINDS = { 0: "first", 8: "peak", 14: "fill", 20: "valley", 26: "fill", 31: "peak", 40: "fill" };

function plan(changes = {}) {
  const keyframes = Object.entries(KINDS).map(([frame, kind]) => {
    return { frame: Number(frame), kind, locked: false, source: "strongest" };
  });
  return { version: 1, fps: 24, n_frames: 48, count: keyframes.length, fingerprint: null, keyframes, ...changes };
}

function resultOf(prediction, changes = {}) {
  const { n_frames, fps } = prediction;
  const nothing = { curve: null, peaks: null, onsets: [], beats: [], curve_peaks: [], audio: null, audio_notice: "" };
  return { prediction, n_frames, fps, ...nothing, ...changes };
}

const AUDIO = { filename: "a.wav", subfolder: "", type: "temp" };
const NEWER = '{"version": 99, "plan": {}, "base": null}';
const SHORTER = plan({ n_frames: 24, count: 3, keyframes: plan().keyframes.slice(0, 3) });

const opened = (t, { changes = {}, ...more } = {}) => openEditor(t, { result: resultOf(plan(), changes), ...more });
const framesIn = (text) => JSON.parse(text).plan.keyframes.map(({ frame }) => frame);
const settled = () => new Promise((resolve) => setImmediate(resolve));

test("a double click adds a keyframe", (t) => {
  const { click, written } = opened(t);
  click(5);
  click(5, "wave", { afterMs: 100 });
  assert.deepEqual(written.map(framesIn).map((frames) => frames.includes(5)), [true]);
});

test("two quick clicks on different parts are no double click", (t) => {
  for (const bands of [["ruler", "wave"], ["wave", "ruler"], ["overview", "wave"]]) {
    const { click, written } = opened(t);
    click(5, bands[0]);
    click(5, bands[1], { afterMs: 100 });
    assert.deepEqual(written, [], bands.join());
  }
});

test("a drag between two clicks makes them no double click", (t) => {
  const { click, drag, written } = opened(t);
  click(5);
  drag(5, 12, "wave", { afterMs: 50 });
  click(5, "wave", { afterMs: 50 });
  assert.deepEqual(written, []);
  click(5, "wave", { afterMs: 50 });
  assert.equal(written.length, 1, "the one after that is the second of two");
});

test("a key that stays down is pressed once, unless it walks, zooms or nudges", (t) => {
  const { key, written, view, canvas } = opened(t);
  const { state } = view.session;
  canvas.focus();
  view.session.select([14]);
  for (const repeat of [false, true, true]) key("l", { repeat });
  assert.equal(written.length, 1);
  for (const repeat of [false, true, true, true]) key("s", { repeat });
  assert.equal(state.snapping, false);
  view.session.select([]);
  state.setPlayhead(3);
  key("a");
  state.setPlayhead(5);
  for (let i = 0; i < 4; i++) key("a", { repeat: true });
  assert.equal(written.length, 2);
  for (let i = 0; i < 4; i++) key("Delete", { repeat: true });
  assert.equal(written.length, 2);

  key("Home");
  for (const repeat of [false, true, true]) key("ArrowDown", { repeat });
  assert.equal(state.focus, view.session.plan.keyframes[3].frame);
  const before = view.timeline.view().span;
  for (const repeat of [false, true]) key("+", { repeat });
  assert.ok(Math.abs(view.timeline.view().span - before / 1.5 ** 2) < 1e-9);
});

test("a typed frame counts when one goes on, and not after Escape", (t) => {
  const ways = {
    Enter: ({ key }) => key("Enter"),
    "a click elsewhere": ({ click }) => click(20, "keys"),
    Tab: ({ labelled }) => labelled("Kind of the keyframe").focus(),
    Escape: ({ key }) => key("Escape"),
  };
  for (const [way, goOn] of Object.entries(ways)) {
    const editor = opened(t);
    const { view, labelled, type, written, show } = editor;
    const box = labelled("Frame of the keyframe");
    view.session.select([14]);
    show();
    assert.equal(box.value, "14");
    type(box, "17");
    goOn(editor);
    show();
    assert.deepEqual(written.map(framesIn), way === "Escape" ? [] : [[0, 8, 17, 20, 26, 31, 40]], way);
    assert.notEqual(document.activeElement, box, way);
  }
});

test("a wrong frame gets a message; leaving the field takes it back, Enter keeps it", (t) => {
  const { view, labelled, type, key, written, said, show } = opened(t);
  const box = labelled("Frame of the keyframe");
  view.session.select([14]);
  show();
  type(box, "soon");
  key("Enter");
  assert.match(said(), /"soon" is no place/);
  assert.deepEqual([box.value, document.activeElement === box], ["soon", true]);
  box.blur();
  show();
  assert.deepEqual([box.value, written], ["14", []]);
});

test("looking at the number of a keyframe changes nothing, also when another is selected meanwhile", (t) => {
  const { view, labelled, written, show } = opened(t);
  const box = labelled("Frame of the keyframe");
  view.session.state.setUnit("seconds");
  view.session.select([14]);
  show();
  box.focus();
  box.blur();
  box.focus();
  box.value = "1 s";
  view.session.select([20]);
  show();
  box.blur();
  assert.deepEqual([written, box.value], [[], "0.83 s"]);
});

const wordsIn = (text) =>
  Object.fromEntries(JSON.parse(text).plan.keyframes.flatMap((one) => (one.prompt ? [[one.frame, one.prompt]] : [])));

test("words count letter by letter, stay with the text, and are typed for all that are selected", (t) => {
  const { view, labelled, type, key, written, show } = opened(t);
  const box = labelled("Prompt of the keyframe");
  view.session.select([14]);
  show();
  assert.equal(box.value, "");
  for (const text of ["a", "a d", "a d "]) type(box, text);
  assert.deepEqual(written.map(wordsIn), [{ 14: "a" }, { 14: "a d" }, { 14: "a d " }]);
  assert.equal(view.session.plan.keyframes[2].source, "edit");
  show();
  assert.deepEqual([box.value, document.activeElement === box], ["a d ", true], "it is not rewritten under the hand");
  key("Escape");
  assert.notEqual(document.activeElement, box);
  view.session.select([14, 20]);
  show();
  assert.deepEqual([box.value, /Different/.test(box.placeholder)], ["", true]);
  type(box, "rain");
  assert.deepEqual(wordsIn(written.at(-1)), { 14: "rain", 20: "rain" });
  box.blur();
  show();
  assert.equal(box.value, "rain");
  type(box, " \n");
  assert.deepEqual(wordsIn(written.at(-1)), {}, "blank words are none");
  view.session.select([8]);
  show();
  assert.equal(box.value, "", "what is typed next belongs to the keyframe that is selected now");
});

test("keys in the box of the words are letters, and P opens it", (t) => {
  const { view, labelled, key, canvas, written, said } = opened(t);
  const box = labelled("Prompt of the keyframe");
  canvas.focus();
  key("p");
  assert.match(said(), /Select a keyframe first/);
  view.session.select([14]);
  canvas.focus();
  key("p");
  assert.equal(document.activeElement, box);
  for (const letter of ["l", "Delete", "a", "1", " ", "e"]) key(letter);
  assert.deepEqual([written, view.session.state.isPlaying ?? false], [[], false]);
});

test("words that are too long are refused with a message, and the ones before stay", (t) => {
  const { view, labelled, type, written, said, show } = opened(t);
  const box = labelled("Prompt of the keyframe");
  view.session.select([14]);
  show();
  type(box, "rain");
  type(box, "x".repeat(2001));
  assert.match(said(), /2001 characters; shorten it to 2000/);
  assert.deepEqual(written.map(wordsIn), [{ 14: "rain" }]);
  box.blur();
  show();
  assert.equal(box.value, "rain");
});

test("words cannot be typed where nothing can be edited", (t) => {
  const text = JSON.stringify({ version: 1, plan: plan(), base: plan() });
  const { view, labelled, show } = openEditor(t, { result: resultOf(SHORTER), text });
  view.session.select([14]);
  show();
  assert.equal(labelled("Prompt of the keyframe").disabled, true);
});

test("the text of a newer version cannot be typed over", (t) => {
  const { key, canvas, labelled, type, written, view, show } = opened(t, { text: NEWER });
  canvas.focus();
  key("t");
  const box = labelled("Keyframe edit");
  assert.deepEqual([document.activeElement === box, box.value], [true, NEWER]);
  type(box, "0, 7");
  assert.deepEqual([written, view.text, box.readOnly], [[], NEWER, true]);
  view.text = "0, 9";
  show();
  assert.deepEqual([box.readOnly, box.value], [false, "0, 9"]);
  type(box, "0, 12");
  assert.deepEqual([written, view.text], [["0, 12"], "0, 12"]);
});

test("a panel is named, and what it covers cannot have the keyboard", (t) => {
  const { key, canvas, view, show } = opened(t);
  const dialog = view.root.all.find((one) => one.getAttribute("role") === "dialog");
  canvas.focus();
  for (const [panel, name] of [["text", /text/], ["import", /Import/], ["export", /Export/], ["help", /Keys/]]) {
    view.session.state.setPanel(panel);
    show();
    assert.match(dialog.getAttribute("aria-label"), name);
    assert.equal(canvas.canFocus, false);
  }
  key("Escape");
  assert.deepEqual([dialog.hidden, document.activeElement === canvas], [true, true]);

  const before = openEditor(t);
  assert.equal(before.canvas.canFocus, false, "the page that says what to do first covers the timeline");
  before.view.session.state.setPanel("text");
  before.show();
  before.labelled("Keyframe edit").focus();
  before.key("Escape");
  assert.equal(document.activeElement?.textContent, "Run up to here");
  before.view.setResult(resultOf(plan()));
  assert.equal(before.canvas.canFocus, true);
});

test("a scrub is heard where it is, and leaves the playhead on a frame", async (t) => {
  const { drag, audio, view } = opened(t, { changes: { audio: AUDIO } });
  drag(3, 12, "ruler");
  await settled();
  const { offset, duration } = audio.sources.at(-1);
  assert.ok(Math.abs(offset - 12 / 24) < 0.02, `at ${offset} s`);
  assert.ok(duration < 0.2);
  assert.equal(view.session.state.playhead, 12);
});

test("what is selected is looped at half speed", async (t) => {
  const { key, audio, view, canvas, paint } = opened(t, { changes: { audio: AUDIO } });
  canvas.focus();
  view.session.select([8, 14, 20]);
  key("r");
  key("h");
  key(" ");
  await settled();
  const { loop, loopStart, loopEnd, playbackRate, offset } = audio.sources.at(-1);
  assert.deepEqual([loop, loopStart, loopEnd, playbackRate.value, offset], [true, 8 / 24, 20 / 24, 0.5, 8 / 24]);
  audio.currentTime += 0.03 + 2 * (9 / 24); // nine frames of the clip
  paint();
  assert.ok(Math.abs(view.session.state.playhead - 17) < 1e-6, String(view.session.state.playhead));
  audio.currentTime += 2 * (6 / 24);
  paint();
  assert.ok(Math.abs(view.session.state.playhead - 11) < 1e-6, "it came round");
  key("h");
  assert.equal(audio.sources.at(-1).playbackRate.value, 1);
  key(" ");
  assert.ok(audio.sources.every((source) => source.isStopped));
});

test("a loop drawn on the ruler, and its ends by the keyboard", (t) => {
  const { drag, key, view, canvas } = opened(t);
  drag(30, 10, "ruler", { shiftKey: true });
  assert.deepEqual([view.session.state.loop, view.session.state.isLooping], [[10, 30], true]);
  canvas.focus();
  view.session.state.setPlayhead(12);
  key("i");
  view.session.state.setPlayhead(25);
  key("o");
  assert.deepEqual(view.session.state.loop, [12, 25]);
  key("r");
  assert.equal(view.session.state.isLooping, false);
});

test("a loop that a shorter clip does not have is dropped, another one stays", async (t) => {
  for (const [loop, kept] of [[[30, 48], null], [[10, 30], null], [[10, 24], [10, 24]]]) {
    const { view, key, audio, paint, canvas } = opened(t);
    view.session.state.setLoop(loop);
    view.setResult(resultOf(SHORTER));
    assert.deepEqual([view.session.state.loop, view.session.state.isLooping], [kept, kept !== null]);
    canvas.focus();
    key(" ");
    await settled();
    audio.currentTime += 60;
    paint();
    assert.ok(view.session.state.playhead <= 24, `${view.session.state.playhead} in a clip of 24 frames`);
  }
});

test("an edit of another clip is not reported as without a run", (t) => {
  const { view, labelled, show } = opened(t);
  view.text = JSON.stringify({ version: 1, plan: plan(), base: plan() });
  view.setResult(resultOf(SHORTER));
  show();
  assert.match(labelled("Play").getAttribute("title"), /another clip/);
  const before = openEditor(t, { text: JSON.stringify({ version: 1, plan: plan(), base: null }) });
  assert.match(before.labelled("Play").getAttribute("title"), /Run up to here first/);
});

test("what is imported while the edit is another clip's is for the clip of the last run", (t) => {
  const longer = plan({ n_frames: 96 });
  const rate = plan({ fps: 12 });
  const text = JSON.stringify({ version: 1, plan: plan(), base: plan() });
  for (const [prediction, problem] of [[longer, "length"], [rate, "rate"]]) {
    const { view, written, labelled, show } = openEditor(t, { text, result: resultOf(prediction) });
    assert.equal(view.session.status.problem, problem);
    view.session.state.setPanel("import");
    show();
    labelled("Keyframes to import").value = "0, 7, 47";
    const take = view.root.all.find((one) => one.tagName === "BUTTON" && one.textContent === "Import");
    take.dispatch("click");
    const { plan: taken, base } = JSON.parse(written[0]);
    assert.deepEqual([taken.n_frames, taken.fps, base], [prediction.n_frames, prediction.fps, null]);
    assert.deepEqual([view.session.status.problem, framesIn(written[0])], [null, [0, 7, 47]]);
  }
});

test("nothing is imported over the text of a newer version", (t) => {
  const { view, written, labelled, show, said } = opened(t, { text: NEWER });
  view.session.state.setPanel("import");
  show();
  labelled("Keyframes to import").value = "0, 7, 47";
  view.root.all.find((one) => one.tagName === "BUTTON" && one.textContent === "Import").dispatch("click");
  assert.deepEqual([written, view.text], [[], NEWER]);
  assert.match(said(), /update ComfyUI-KeyVID/);
});
