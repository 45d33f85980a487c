// Gestures without a browser: what a press that travels does to session and view.

import assert from "node:assert/strict";
import { test } from "node:test";

import { fit, frameToX } from "../../../js/editor/canvas/geometry.mjs";
import { boxSelect, dragKeys, dragLoop, dragOverview, pan } from "../../../js/editor/input/gestures.mjs";
import { menuItems, placeOf } from "../../../js/editor/panels/menu.mjs";
import { Session } from "../../../js/editor/state/session.mjs";

const WIDTH = 800;
const FRAMES = [0, 10, 20, 30, 40, 50];

function opened({ view = null } = {}) {
  const keyframes = FRAMES.map((frame) => {
    return { frame, kind: frame ? "peak" : "first", locked: false, source: "strongest" };
  });
  const prediction = { version: 3, fps: 24, n_frames: 60, count: 6, fingerprint: null, keyframes };
  const [written, messages] = [[], []];
  const showMessage = (message) => messages.push(message);
  const session = new Session({ host: { write: (text) => written.push(text) }, showMessage });
  const run = (document) =>
    session.setResult({ prediction: document, n_frames: document.n_frames, fps: 24, onsets: [14, 33], beats: [] });
  run(prediction);
  session.state.setView(view);
  const seen = () => session.state.view ?? fit(session.nFrames);
  const timeline = { view: seen, width: () => WIDTH };
  const x = (frame) => ({ x: frameToX(frame, timeline.view(), WIDTH), y: 0 });
  const editor = { session, timeline, playback: { follow: () => {} } };
  return { session, written, messages, x, run, prediction, editor };
}

const NO_NOTES = { problem: () => "" };
const FREE = { ctrlKey: false, metaKey: false };
const BYPASSED = { ctrlKey: true, metaKey: false };

test("a drag sticks to an onset nearby, unless it is bypassed or turned off", () => {
  const { session, x, editor } = opened();
  session.select([10]);
  const drag = dragKeys(editor, x(10), 10, {});
  drag.move(x(13.6), FREE);
  assert.deepEqual([session.frames, session.state.snapMark, session.state.snapTo], [[14], 14, "onset"]);
  drag.move(x(13.4), BYPASSED);
  assert.deepEqual([session.frames, session.state.snapMark], [[13], null]);
  session.state.setSnapping(false);
  drag.move(x(13.4), FREE);
  assert.deepEqual(session.frames, [13]);
  drag.end();
  assert.equal(session.state.snapMark, null);
});

test("a drag says what it stuck to, and what stood in its way", () => {
  const { session, messages, run, prediction, x, editor } = opened();
  const dropped = (from, to) => {
    session.select([from]);
    const drag = dragKeys(editor, x(from), from, {});
    drag.move(x(to), FREE);
    drag.end();
    return messages.at(-1);
  };
  assert.equal(dropped(10, 13.6), "Snapped to the onset at frame 14.");
  assert.equal(dropped(14, 17), "Moved to frame 17.");
  assert.equal(dropped(17, 20), "Moved to frame 19: there is no room at 20.");
  run({ ...prediction, keyframes: prediction.keyframes.map((one) => (one.frame === 30 ? { ...one, frame: 33 } : one)) });
  assert.equal(dropped(19, 32.4), "Moved to frame 32; the onset at 33 has a keyframe already.");
});

test("a menu never opens under the pointer", () => {
  const [menu, page] = [{ width: 200, height: 400 }, { width: 1000, height: 800 }];
  assert.deepEqual(placeOf({ clientX: 300, clientY: 100 }, menu, page), { left: 300, top: 100 });
  for (const clientX of [20, 300, 700, 900, 990]) {
    for (const clientY of [450, 600, 799]) {
      const { left, top } = placeOf({ clientX, clientY }, menu, page);
      const covers = left < clientX && clientX < left + menu.width && top < clientY && clientY < top + menu.height;
      assert.ok(!covers, `${clientX}, ${clientY}`);
      assert.ok(left >= 0 && left + menu.width <= page.width && top + menu.height <= page.height);
    }
  }
});

test("a press beside the middle of a marker does not make it jump", () => {
  const { session, x, editor } = opened();
  session.select([10]);
  const drag = dragKeys(editor, x(10.4), 10, {});
  drag.move(x(10.4 + 1), BYPASSED);
  assert.deepEqual(session.frames, [11]);
});

test("a run that ends during a drag waits for the hand", () => {
  const planned = (frames, nFrames) => ({
    ...opened().prediction,
    n_frames: nFrames,
    count: frames.length,
    keyframes: frames.map((frame) => ({ frame, kind: frame ? "peak" : "first", locked: false, source: "strongest" })),
  });
  for (const other of [planned([0, 11, 21, 32, 41, 52], 60), planned([0, 8, 15, 25], 30)]) {
    const { session, written, x, run, prediction, editor } = opened();
    session.select([20]);
    const drag = dragKeys(editor, x(20), 20, {});
    drag.move(x(23), BYPASSED);
    run(other);
    drag.move(x(24), BYPASSED);
    drag.end();
    const { plan, base } = JSON.parse(written[0]);
    assert.equal(written.length, 1);
    assert.deepEqual(plan.keyframes.map(({ frame }) => frame), [0, 10, 24, 30, 40, 50]);
    assert.deepEqual(base, prediction);
    assert.deepEqual(session.status.prediction, other);
    assert.equal(session.status.problem, other.n_frames === 60 ? null : "length");
  }
});

test("a drag of keyframes that another text replaced does nothing more", () => {
  const { session, written, x, editor } = opened();
  session.select([20]);
  const drag = dragKeys(editor, x(20), 20, {});
  drag.move(x(23), BYPASSED);
  session.setText("0, 9, 31");
  drag.move(x(24), BYPASSED);
  drag.end();
  assert.deepEqual([written, session.text], [[], "0, 9, 31"]);
});

test("scaling holds the end that is farther from the hand", () => {
  const { session, written, x, editor } = opened();
  session.select([10, 20, 30]);
  const right = dragKeys(editor, x(30), 30, { isScaling: true });
  right.move(x(34), BYPASSED);
  assert.deepEqual(session.frames, [10, 22, 34]);
  right.cancel();
  const left = dragKeys(editor, x(10), 10, { isScaling: true });
  left.move(x(6), BYPASSED);
  assert.deepEqual(session.frames, [6, 18, 30]);
  left.end();
  assert.equal(written.length, 1);
});

test("a box selects what it covers, and a cancelled one what was selected before", () => {
  const { session, x, editor } = opened();
  session.select([50]);
  const box = boxSelect(editor, x(5), { added: true });
  box.move(x(35));
  assert.deepEqual(session.frames, [10, 20, 30, 50]);
  box.move(x(15));
  assert.deepEqual(session.frames, [10, 50]);
  box.cancel();
  assert.deepEqual([session.frames, session.state.box], [[50], null]);
});

test("a loop is drawn in either direction and pulled by its edges", () => {
  const { session, x, editor } = opened();
  dragLoop(editor, x(30), { edge: null }).move(x(12));
  assert.deepEqual([session.state.loop, session.state.isLooping], [[12, 30], true]);
  const edge = dragLoop(editor, x(30), { edge: "end" });
  edge.move(x(40));
  assert.deepEqual(session.state.loop, [12, 40]);
  edge.cancel();
  assert.deepEqual(session.state.loop, [12, 30]);
});

test("a near view is pushed and never leaves the clip", () => {
  const { session, x, editor } = opened({ view: { first: 10, span: 20 } });
  const start = x(20);
  const push = pan(editor, start);
  push.move({ x: start.x - (WIDTH - 36) / 4 });
  assert.equal(Math.round(session.state.view.first), 15);
  push.move({ x: start.x + 10 * WIDTH });
  assert.deepEqual(session.state.view, { first: 0, span: 20 });
});

test("a press in the overview jumps there, and an edge of its window zooms", () => {
  const { session, editor } = opened({ view: { first: 0, span: 20 } });
  const at = (frame) => ({ x: frameToX(frame, fit(60), WIDTH), y: 0 });
  dragOverview(editor, at(40), { edge: null, at: 40 });
  assert.deepEqual([Math.round(session.state.view.first), session.state.view.span], [30, 20]);
  dragOverview(editor, at(50), { edge: "end", at: 50 }).move(at(60));
  assert.equal(Math.round(session.state.view.first), 30);
  assert.equal(Math.round(session.state.view.span), 30);
});

/** Commands that note what they were asked for. */
function recorded(done, canRetake = false) {
  const get = (_, name) => (name === "canRetake" ? () => canRetake : (argument) => done.push([name, argument]));
  return new Proxy({}, { get });
}

test("between two keyframes the menu has the stretch rendered again, where a node can", () => {
  const { session } = opened();
  const done = [];
  const retakes = (canRetake, at, more = {}) =>
    menuItems({ session, notes: NO_NOTES, commands: recorded(done, canRetake) }, { part: "wave", frame: null, at, ...more }).filter((item) =>
      item?.label.startsWith("Render "),
    );
  const frames = session.plan.keyframes.map((keyframe) => keyframe.frame);
  const at = frames.findIndex((frame, i) => frames[i + 1] - frame > 2);
  const [first, last] = [frames[at] + 1, frames[at + 1] - 1];
  const [item] = retakes(true, frames[at] + 1.3);
  assert.equal(item.label, `Render ${first} to ${last} again`);
  item.run();
  assert.deepEqual(done, [["retake", { first, last }]]);
  const tail = retakes(true, session.plan.n_frames - 1);
  assert.equal(tail[0].label, `Render ${frames.at(-1) + 1} to ${session.plan.n_frames - 1} again`);
  assert.deepEqual(retakes(false, frames[at] + 1.3), []);
  assert.deepEqual(retakes(true, frames[at], { frame: frames[at] }), []);
  assert.deepEqual(retakes(true, frames[at] + 1.3, { part: "overview" }), []);
});

test("the menu offers what can be done, and nothing to an edit it may not touch", () => {
  const { session } = opened();
  const done = [];
  const commands = recorded(done);
  let notes = NO_NOTES;
  const items = (target = null) => menuItems({ session, notes, commands }, target).filter(Boolean);
  const named = (label, target) => items(target).find((item) => item.label === label);

  assert.equal(named("Delete"), undefined, "nothing is selected");
  named("Add a keyframe at 7", { part: "wave", frame: null, at: 7.2 }).run();
  session.select([10]);
  named("Make it a valley").run();
  named("Import…").run();
  assert.deepEqual(done, [["add", 7], ["changeKind", "valley"], ["togglePanel", "import"]]);
  session.select([0]);
  assert.deepEqual([named("Delete").isOff, named("Lock").isOff], [true, false]);
  assert.equal(named("Reset to prediction").isOff, true, "there is nothing to reset");
  session.setText('{"version": 99, "plan": {}}');
  const allowed = items().filter((item) => !item.isOff).map((item) => item.label);
  for (const label of ["Distribute all evenly", "Shift all…", "Import…", "Reset to prediction"]) {
    assert.ok(!allowed.includes(label), label);
  }
  const place = { part: "wave", frame: null, at: 7.2 };
  assert.ok(named("Add a note at 7…", place) && !named("Delete all notes", place));
  notes = { problem: () => "they cannot be read" };
  assert.ok(!named("Add a note at 7…", place) && named("Delete all notes", place));
});
