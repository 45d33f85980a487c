// What the artist's gestures write: one text each, which Python's rules read the same way.

import assert from "node:assert/strict";
import { test } from "node:test";

import * as actions from "../../../js/editor/state/actions.mjs";
import { commandOf, keyName, keyOf, KEYS } from "../../../js/editor/input/keys.mjs";
import { framesOf, keyframeAt, planFrom } from "../../../js/editor/plan/plan.mjs";
import { neighbour, Session } from "../../../js/editor/state/session.mjs";
import { stateOf } from "../../../js/editor/state/view_state.mjs";

const FINGERPRINT = { n_frames: 48, loudness: [0, 5, 9, 3] };
const OTHER_FINGERPRINT = { n_frames: 48, loudness: [9, 0, 0, 9] };

function prediction(changes = {}) {
  const kinds = { 0: "first", 8: "peak", 14: "fill", 20: "valley", 26: "fill", 31: "peak", 40: "fill" };
  const keyframes = Object.entries(kinds).map(([frame, kind]) => ({
    frame: Number(frame),
    kind,
    locked: false,
    source: "strongest",
  }));
  const document = { version: 3, fps: 24, n_frames: 48, count: keyframes.length, fingerprint: FINGERPRINT, keyframes };
  return { ...document, ...changes };
}

const resultOf = (document) => ({ prediction: document, n_frames: document.n_frames, fps: document.fps, onsets: [7, 30] });

/** A session after a run, and all that it wrote and messages. */
function opened({ text = "", result = resultOf(prediction()) } = {}) {
  const written = [];
  const messages = [];
  const session = new Session({
    host: { write: (one) => written.push(one), type: (one) => written.push(one) },
    showMessage: (message, isProblem) => messages.push([message, isProblem]),
  });
  session.setText(text);
  if (result) session.setResult(result);
  return { session, written, messages };
}

const framesIn = (text) => JSON.parse(text).plan.keyframes.map(({ frame }) => frame);

test("neither opening nor running writes anything", () => {
  const { session, written } = opened({ text: "0, 9, 31" });
  session.setResult(resultOf(prediction({ fingerprint: OTHER_FINGERPRINT })));
  session.select([9]);
  session.settle();
  session.cancel();
  assert.deepEqual(written, []);
  assert.equal(session.text, "0, 9, 31");
});

test("a gesture previews, and writes once when it settles", () => {
  const { session, written } = opened();
  session.select([14]);
  session.preview(actions.move, 1);
  session.preview(actions.move, 1);
  assert.deepEqual(written, []);
  assert.deepEqual(session.frames, [16]);
  assert.deepEqual(framesOf(session.plan), [0, 8, 14, 20, 26, 31, 40]);
  session.settle();
  assert.equal(written.length, 1);
  const { plan, base } = JSON.parse(written[0]);
  assert.deepEqual(plan.keyframes.map(({ frame }) => frame), [0, 8, 16, 20, 26, 31, 40]);
  assert.deepEqual(plan.keyframes[2], { frame: 16, kind: "manual", locked: false, source: "edit" });
  assert.deepEqual(base, prediction());
  assert.deepEqual(session.frames, [16]);
  assert.equal(session.text, written[0]);
});

test("a held key does its action once, by the sum of its presses", () => {
  for (const [frames, action, delta] of [[[8, 14, 20], actions.stretch, 5], [[8, 14], actions.move, 4]]) {
    const [held, once] = [opened(), opened()];
    held.session.select(frames);
    once.session.select(frames);
    for (let i = 0; i < delta; i++) held.session.previewHeldKey(action, 1);
    held.session.settle();
    once.session.act(action, delta);
    assert.deepEqual(held.written, once.written, action.name);
    assert.deepEqual(held.messages, once.messages, action.name);
    assert.deepEqual(held.session.frames, once.session.frames, action.name);
  }
});

test("a held key that ends where it began leaves the keyframes what they are", () => {
  const { session, written } = opened();
  session.select([14]);
  for (const delta of [1, 1, -1, -1]) session.previewHeldKey(actions.move, delta);
  session.settle();
  session.select([8, 14, 20]);
  for (const delta of [1, 1, 1, -1, -1, -1]) session.previewHeldKey(actions.stretch, delta);
  session.settle();
  assert.deepEqual(written, []);
  assert.equal(keyframeAt(session.plan, 14).kind, "fill");
});

test("two held keys one upon the other are one step", () => {
  const { session, written } = opened();
  session.select([14, 20]);
  session.previewHeldKey(actions.move, 1);
  session.previewHeldKey(actions.stretch, 1);
  session.settle();
  assert.equal(written.length, 1);
  assert.deepEqual(session.frames, [15, 22]);
});

test("a run that ends while a key is held waits for the key", () => {
  const others = [prediction({ n_frames: 96 })];
  others.push(prediction());
  others[1].keyframes[2] = { ...others[1].keyframes[2], frame: 12 };
  for (const other of others) {
    const { session, written } = opened();
    session.select([20]);
    session.previewHeldKey(actions.move, 1);
    const shown = session.plan;
    session.setResult(resultOf(other));
    assert.equal(session.plan, shown);
    session.previewHeldKey(actions.move, 1);
    session.settle();
    assert.deepEqual(JSON.parse(written[0]).base, prediction());
    assert.deepEqual(framesIn(written[0]), [0, 8, 14, 22, 26, 31, 40]);
    assert.deepEqual(session.status.prediction, other, "it comes when the key is let go");
  }
  const { session } = opened();
  session.select([20]);
  session.previewHeldKey(actions.move, 1);
  session.setResult(resultOf(others[1]));
  session.cancel();
  assert.deepEqual(framesOf(session.plan), [0, 8, 12, 20, 26, 31, 40], "also after nothing was written");
});

test("another text ends what is in the hand", () => {
  const { session, written } = opened();
  session.select([14]);
  session.previewHeldKey(actions.move, 1);
  session.setText("0, 9, 31");
  session.settle();
  assert.deepEqual([written, session.text, framesOf(session.plan)], [[], "0, 9, 31", [0, 9, 31]]);
});

test("a run of a newer version gives a message, and the one before stays", () => {
  const { session, messages } = opened();
  const before = framesOf(session.plan);
  session.setResult(resultOf(prediction({ version: 99 })));
  assert.deepEqual(framesOf(session.plan), before);
  assert.equal(messages.length, 1);
  assert.match(messages[0][0], /reload the page.*version 99/);
});

test("what a run measured is shown on a clip of its length and rate", () => {
  const { session, written } = opened();
  session.act(actions.add, 5);
  for (const [changes, isOfIt] of [[{}, true], [{ fps: 24.00002 }, true], [{ fps: 30 }, false], [{ n_frames: 44 }, false]]) {
    const other = opened({ text: written[0], result: resultOf(prediction(changes)) });
    assert.equal(other.session.measured !== null, isOfIt, JSON.stringify(changes));
  }
});

test("a cancelled gesture and one that ends where it began write nothing", () => {
  const { session, written } = opened();
  session.select([14]);
  session.preview(actions.move, 3);
  session.cancel();
  session.settle();
  assert.deepEqual([written, session.frames], [[], [14]]);
});

test("what is kept after a gesture is what was shown during it, for every action", () => {
  const cases = [
    [[14], actions.move, 2],
    [[8, 14], actions.move, 100],
    [[8, 20], actions.stretch, 3],
    [[], actions.add, 5],
    [[20], actions.remove],
    [[0, 14, 31], actions.remove],
    [[8], actions.toggleLock],
    [[8, 14], actions.toggleLock],
    [[8], actions.changeKind, "valley"],
    [[8, 20], actions.changeKind, "manual"],
    [[14], actions.moveTo, 35],
    [[14, 20], actions.moveTo, 15],
    [[], actions.distribute],
    [[], actions.snapToOnsets, [7, 30]],
    [[], actions.shift, 2],
  ];
  for (const [frames, action, ...more] of cases) {
    const { session, written, messages } = opened();
    session.select(frames);
    session.preview(action, ...more);
    const shown = session.previewPlan;
    assert.ok(shown, `${action.name}: ${JSON.stringify(messages)}`);
    session.settle();
    assert.equal(written.length, 1, action.name);
    assert.deepEqual(framesOf(session.plan), framesOf(shown), action.name);
    assert.equal(session.plan.count, 7, action.name);
    for (const frame of session.frames) assert.ok(keyframeAt(session.plan, frame), action.name);
    assert.equal(messages.length, 1, action.name);
    assert.equal(messages[0][1], false, action.name);
    assert.match(messages[0][0], /^[A-Z].*\.$/, action.name);
  }
});

test("what cannot be done gives a message and writes nothing", () => {
  const locked = prediction();
  locked.keyframes[1].locked = true;
  const cases = [
    [[0], actions.move, 1, /video starts with it/],
    [[8], actions.move, 1, /locked/],
    [[0], actions.remove, undefined, /video starts with it/],
    [[8], actions.remove, undefined, /locked/],
    [[], actions.add, 14, /already/],
    [[14], actions.moveTo, 20, /one already/],
    [[14], actions.stretch, 1, /two keyframes/],
    [[], actions.snapToOnsets, [], /No clear strikes/],
    [[], actions.snapToOnsets, [0], /Nothing moved/],
  ];
  for (const [frames, action, argument, message] of cases) {
    const { session, written, messages } = opened({ result: resultOf(locked) });
    session.select(frames);
    session.act(action, argument);
    assert.deepEqual(written, [], action.name);
    assert.equal(messages.length, 1, action.name);
    assert.match(messages[0][0], message, action.name);
    assert.equal(messages[0][1], true, action.name);
  }
});

test("before the first run nothing can be changed, and the editor says why", () => {
  const { session, written, messages } = opened({ result: null });
  session.act(actions.add, 3);
  assert.deepEqual(written, []);
  assert.match(messages[0][0], /run up to here/);
});

test("an edit without a run is changed on the prediction it names", () => {
  const { session, written } = opened();
  session.act(actions.add, 5);
  const again = opened({ text: written[0], result: null });
  again.session.select([20]);
  again.session.act(actions.move, 2);
  assert.deepEqual(JSON.parse(again.written[0]).base, prediction());
  assert.ok(framesIn(again.written[0]).includes(5));
});

test("a changed edit stays one of the sound it was made for until it is kept", () => {
  const { session, written } = opened();
  session.act(actions.add, 5);
  const other = opened({ text: written[0], result: resultOf(prediction({ fingerprint: OTHER_FINGERPRINT })) });
  assert.equal(other.session.status.problem, "sound");
  other.session.act(actions.add, 35);
  assert.equal(other.session.status.problem, "sound");
  assert.deepEqual(JSON.parse(other.session.text).plan.fingerprint, FINGERPRINT);
});

test("an edit of another length is shown and left alone", () => {
  const { session, written } = opened();
  session.act(actions.add, 5);
  const shorter = prediction({ n_frames: 44 });
  const other = opened({ text: written[0], result: resultOf(shorter) });
  assert.equal(other.session.status.problem, "length");
  other.session.act(actions.add, 3);
  assert.deepEqual(other.written, []);
  assert.equal(other.messages[0][1], true);
});

test("a newer version's text is shown as a message and never touched", () => {
  const text = '{"version": 99, "plan": {}, "base": null}';
  const { session, written } = opened({ text });
  session.act(actions.add, 3);
  assert.equal(session.text, text);
  assert.deepEqual(written, []);
  assert.match(session.status.message, /update ComfyUI-KeyVID/);
});

test("unknown fields of the edit are kept", () => {
  const { session, written } = opened();
  session.act(actions.add, 5);
  const document = { ...JSON.parse(written[0]), note: "mine" };
  document.plan.colour = "red";
  const again = opened({ text: JSON.stringify(document) });
  again.session.act(actions.add, 35);
  const result = JSON.parse(again.written[0]);
  assert.equal(result.note, "mine");
  assert.equal(result.plan.colour, "red");
});

test("a selection only holds keyframes that are there", () => {
  const { session } = opened();
  session.select([8, 9, 14]);
  assert.deepEqual(session.frames, [8, 14]);
  session.setText("0, 14, 30");
  assert.deepEqual(session.frames, [14]);
});

test("after undo the selection is where its keyframes were before the move", () => {
  const { session } = opened();
  session.select([8, 14]);
  session.act(actions.move, 3);
  assert.deepEqual(session.frames, [11, 17]);
  session.setText("");
  assert.deepEqual([session.frames, session.state.focus], [[8, 14], 8]);
});

test("the neighbour of a keyframe, and of none", () => {
  const plan = planFrom(prediction());
  assert.equal(neighbour(plan, 8, 1), 14);
  assert.equal(neighbour(plan, 8, -1), 0);
  assert.equal(neighbour(plan, 40, 1), 40);
  assert.equal(neighbour(plan, null, 1), 0);
  assert.equal(neighbour(plan, null, -1), 40);
});

test("every key means one thing", () => {
  const keys = KEYS.flatMap(([names]) => names);
  assert.equal(new Set(keys).size, keys.length);
});

test("keys are named as they are pressed", () => {
  const press = (key, more = {}) => ({ key, shiftKey: false, altKey: false, ctrlKey: false, metaKey: false, ...more });
  assert.equal(keyName(press("a")), "A");
  assert.equal(keyName(press(" ")), "Space");
  assert.equal(keyName(press("+", { shiftKey: true })), "+");
  assert.equal(keyName(press("ArrowLeft", { shiftKey: true })), "Shift+ArrowLeft");
  const nudge = { command: "nudge", argument: 5, isHeld: true, repeats: true };
  assert.deepEqual(commandOf(press("ArrowRight", { shiftKey: true })), nudge);
  assert.equal(commandOf(press("z", { ctrlKey: true })), null, "undo is ComfyUI's");
  assert.equal(commandOf(press("s", { ctrlKey: true })), null, "saving is ComfyUI's");
  assert.equal(keyOf("changeKind", "valley"), "2");
});

test("what is seen of a node is kept by node, and forgotten at some point", () => {
  stateOf("a").playhead = 7;
  assert.equal(stateOf("a").playhead, 7);
  assert.equal(stateOf("b").playhead, 0);
  assert.notEqual(stateOf(null), stateOf(null));
  for (let i = 0; i < 100; i++) stateOf(`node ${i}`);
  assert.equal(stateOf("a").playhead, 0);
});
