// What the edit widget may hold, what is shown of it, and what becomes of it in another clip.

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import test from "node:test";

import { kept, readEdit, rescaled, shownPlan, writeEdit } from "../../../js/editor/plan/edit.mjs";
import { merge } from "../../../js/editor/plan/merge.mjs";
import { PlanError, VERSION, framesOf, planFrom } from "../../../js/editor/plan/plan.mjs";
import { deleteKeyframe, lockKeyframe, moveKeyframe } from "../../../js/editor/plan/rules.mjs";
import { assertRefused, planOf, randomOf, randomPlan, textOf } from "../helpers/plan_cases.mjs";

const DOCUMENTS = "unit/keyframes/documents";
const SAVED = textOf(`${DOCUMENTS}/edit_v1.json`);
const PREDICTED = planOf(
  [[0, "first"], [10, "peak"], [24, "peak"], [40, "fill"]],
  { n_frames: 48, fields: { tempo: 120 } },
);

const editOf = (document) => readEdit(JSON.stringify(document));
const written = (parts) => readEdit(writeEdit(parts));

test("a saved plan and edit of every version is read, and nothing in it is lost", () => {
  const names = readdirSync(new URL(`../../${DOCUMENTS}`, import.meta.url));
  for (let version = 1; version <= VERSION; version++) {
    const plan = JSON.parse(textOf(`${DOCUMENTS}/plan_v${version}.json`));
    assert.equal(planFrom(plan).title, plan.title);
    assert.equal(planFrom(plan).keyframes[1].note, "the door");
    assert.deepEqual(planFrom(planFrom(plan)), planFrom(plan));
  }
  const edits = names.filter((name) => name.startsWith("edit_v"));
  assert.ok(edits.length >= 1);
  for (const name of edits) {
    const edit = readEdit(textOf(`${DOCUMENTS}/${name}`));
    assert.equal(edit.state, "edit", edit.message);
    assert.deepEqual(framesOf(edit.plan), [0, 11, 24, 36]);
    assert.deepEqual(framesOf(edit.base), [0, 12, 24, 36]);
    assert.deepEqual(readEdit(writeEdit(edit)), edit);
    assert.deepEqual(framesOf(shownPlan(edit, PREDICTED).plan), [0, 11, 24, 40]);
  }
  const saved = JSON.parse(SAVED);
  for (const name of ["plan", "base"]) saved[name].version = VERSION; // all that became of it
  assert.deepEqual(JSON.parse(writeEdit(readEdit(SAVED))), saved);
  const withWords = readEdit(textOf(`${DOCUMENTS}/edit_v1_of_plan_v2.json`));
  assert.equal(shownPlan(withWords, PREDICTED).plan.keyframes[1].prompt, "the door opens");
  const withImage = readEdit(textOf(`${DOCUMENTS}/edit_v1_of_plan_v3.json`));
  assert.equal(shownPlan(withImage, PREDICTED).plan.keyframes[1].image, "board/door.png");
});

test("a field of version 1 that is called prompt keeps its value, and is no words of the artist", () => {
  const keyframes = [{ frame: 0, kind: "first", prompt: 5, note: 1 }, { frame: 7, kind: "peak", prompt: "x" }];
  const old = { version: 1, fps: 24, n_frames: 48, count: 2, keyframes };
  assert.deepEqual(planFrom(old).keyframes, [
    { frame: 0, kind: "first", locked: false, source: "", prompt_of_version_1: 5, note: 1 },
    { frame: 7, kind: "peak", locked: false, source: "", prompt_of_version_1: "x" },
  ]);
  assert.throws(() => planFrom({ ...old, version: 2 }), /prompt 5/);
});

test("a field of versions 1 and 2 that is called image keeps its value, and is no image of the artist", () => {
  const keyframes = [{ frame: 0, kind: "first" }, { frame: 7, kind: "peak", image: 5 }];
  const old = { fps: 24, n_frames: 48, count: 2, keyframes };
  const expected = { frame: 7, kind: "peak", locked: false, source: "", image_of_version_2: 5 };
  for (const version of [1, 2]) assert.deepEqual(planFrom({ ...old, version }).keyframes[1], expected);
  assert.throws(() => planFrom({ ...old, version: 3 }), /image 5/);
});

test("an edit is written on one line, in the order of Python", () => {
  const text = writeEdit({ plan: PREDICTED, base: null, extra: { mood: "\u00e9" } });
  assert.ok(text.startsWith('{"version": 1, "plan": {"version": 3, "fps": 24, "n_frames": 48, "count": 4, "fingerpr'));
  assert.ok(text.endsWith('}], "tempo": 120}, "base": null, "mood": "\u00e9"}') && !text.includes("\n"));
});

test("each text has its state", () => {
  const newer = { ...JSON.parse(SAVED), version: 2 };
  const states = [
    ["", "empty"], ["\ufeff \n", "empty"], [null, "empty"], [undefined, "empty"],
    ["0, 7, 12", "frames"], ["[0 7]", "frames"], ["0:(1.0), 7:(0.5)", "frames"],
    [SAVED, "edit"], [JSON.stringify(PREDICTED), "edit"],
    [JSON.stringify(newer), "newer"], [JSON.stringify({ ...PREDICTED, version: VERSION + 1 }), "newer"],
    ["7, 12", "broken"], ["{", "broken"], ["null", "broken"], [7, "broken"], ['{"version": 1}', "broken"],
  ]; // prettier-ignore
  for (const [text, state] of states) {
    const edit = readEdit(text);
    assert.equal(edit.state, state, text);
    assert.equal(edit.message !== "", state === "newer" || state === "broken", text);
    assert.equal(edit.plan !== null, state === "edit");
  }
});

test("text that is not JSON says where it is wrong, in every browser the same", () => {
  const wrong = [
    ["{", "line 1, column 2"],
    ['{"version": 1,\n "plan": {"version": 1,,}}', "line 2, column 24"],
    ["hello", "line 1, column 1"],
    [SAVED.trimEnd().slice(0, -1), "line 30, column 1"],
    [`${SAVED}}`, "line 31, column 1"],
    ["\n\n  oops", "line 3, column 3"],
    ['{"a": "b\n"}', "line 1, column 7"],
    ['{"a": "\u00e9\ud83d\ude00", }', "line 1, column 13"],
    ['{"a" 1}', "column 6 (expected a colon)"],
    ["[1 2]", "broken"],
    ["[[".repeat(50000), "too deep"],
    ['{"a": NaN}', "contains NaN, which is no finite number"],
    ['{"a": -Infinity}', "contains -Infinity"],
    ['{"a": 1e999}', "number too long"],
  ];
  for (const [text, named] of wrong) {
    const { state, message } = readEdit(text);
    assert.ok(state === "broken" && (message.includes(named) || named === state), `${text.slice(0, 40)}: ${message}`);
    assert.ok(message.length < 300);
  }
});

test("before the first run the plan is shown alone, and nothing is shown without one", () => {
  const edit = readEdit(SAVED);
  assert.deepEqual(shownPlan(edit, null), { plan: edit.plan, base: edit.base, problem: null, message: "" });
  for (const text of ["", "0, 7"]) assert.equal(shownPlan(readEdit(text), null).plan, null);
});

test("what is shown, written as an edit of today's prediction, shows the same", () => {
  const shown = shownPlan(readEdit(SAVED), PREDICTED);
  assert.equal(shown.base, PREDICTED);
  assert.deepEqual(shownPlan(written(shown), PREDICTED).plan, shown.plan);
  const typed = shownPlan(readEdit("0, 7, 12"), PREDICTED);
  assert.deepEqual([framesOf(typed.plan), typed.base], [[0, 7, 12], null]);
  assert.deepEqual(shownPlan(written(typed), PREDICTED).plan, typed.plan);
});

test("each problem has a message, and the artist's own plan is what is seen", () => {
  const edit = readEdit(SAVED);
  const longer = planOf([[0, "first"], [9, "peak"]], { n_frames: 60 });
  const faster = planOf([[0, "first"], [9, "peak"]], { n_frames: 48, fps: 30 });
  const small = planOf([[0, "first"], [9, "peak"]], { n_frames: 48 });
  const problems = [
    [edit, longer, "length", "48 frames"],
    [edit, faster, "rate", "24 fps"],
    [edit, small, "room", "room for 2"],
    [readEdit("0, 48"), small, "frames", "0 to 47"],
    [readEdit("{"), small, "broken", "line 1"],
  ];
  for (const [of, prediction, problem, named] of problems) {
    const shown = shownPlan(of, prediction);
    assert.equal(shown.problem, problem, shown.message);
    assert.ok(shown.message.includes(named), shown.message);
    assert.equal(shown.plan, of.plan ?? prediction);
  }
});

test("another sound of the same length is applied, with a message", () => {
  const sound = (level) => ({ n_frames: 48, loudness: Array(16).fill(level) });
  const of = (level) => ({ ...PREDICTED, fingerprint: sound(level) });
  const edit = editOf({ version: 1, plan: of(0), base: of(0) });
  assert.equal(shownPlan(edit, of(-1)).problem, null);
  const shown = shownPlan(edit, of(-5));
  assert.deepEqual([shown.problem, shown.plan.fingerprint], ["sound", sound(-5)]);
  assert.ok(shown.message.includes("another sound"));
});

test("an edit of another length is stretched, and the artist's number and hand stay", () => {
  const base = planOf([[0, "first"], [10, "peak"], [20, "fill"], [40, "peak"]], { n_frames: 48 });
  const longer = planOf(
    [[0, "first"], [21, "peak"], [30, "valley"], [50, "fill"], [80, "peak"], [90, "fill"]],
    { n_frames: 96 },
  );
  const edit = { base, plan: lockKeyframe(moveKeyframe(base, 10, 14), 40, true), extra: { mood: 1 } };
  const to = rescaled(edit, longer);
  // 10 was moved to 14, so 21 and 30 are nothing new; the number is the prediction's, so that 65 fills up
  assert.deepEqual(framesOf(to.plan), [0, 28, 50, 65, 80, 90]);
  assert.equal(to.plan.keyframes.find((keyframe) => keyframe.frame === 80).locked, true);
  assert.deepEqual([to.base, to.extra, to.plan.n_frames], [longer, edit.extra, 96]);
  assert.deepEqual(shownPlan(written(to), longer).plan, to.plan, "and no banner comes back");
});

test("an edit of another length or rate may keep its times; what is past the end goes", () => {
  const base = planOf([[0, "first"], [10, "peak"], [20, "fill"], [40, "peak"]], { n_frames: 48 });
  const edit = { base, plan: moveKeyframe(moveKeyframe(base, 10, 14), 40, 44), extra: {} };
  const short = planOf([[0, "first"], [5, "peak"], [11, "fill"], [20, "fill"]], { n_frames: 24 });
  assert.deepEqual(framesOf(kept(edit, short).plan), [0, 5, 14, 20]);
  const slower = planOf([[0, "first"], [5, "peak"], [15, "fill"], [20, "peak"]], { n_frames: 24, fps: 12 });
  assert.deepEqual(framesOf(kept(edit, slower).plan), [0, 7, 15, 22]);
  assert.deepEqual(framesOf(kept(readEdit("0, 7, 30"), short).plan), [0, 7]);
  for (const to of [kept(edit, short), kept(edit, slower)]) {
    assert.equal(shownPlan(written(to), to.base).problem, null);
    assert.deepEqual(shownPlan(written(to), to.base).plan, to.plan);
  }
});

test("the end of the clip: its last frame stays the last one, and what begins with the end is past it", () => {
  const plan = planOf([[0, "first", "edit"], [24, "manual", "edit"], [47, "manual", "edit"]], { n_frames: 48 });
  const short = planOf([[0, "first"], [5, "peak"]], { n_frames: 24 });
  const edit = { plan, base: null, extra: {} };
  assert.deepEqual(framesOf(rescaled(edit, short).plan), [0, 12, 23]);
  assert.deepEqual(framesOf(kept(edit, planOf([[0, "first"], [5, "peak"]], { n_frames: 25 })).plan), [0, 24]);
  assert.equal(kept(edit, short).plan.count, 2, "a fill takes the place of all that lay past the end");
  assert.deepEqual(framesOf(kept(readEdit("0, 7, 24"), short).plan), [0, 7]);
});

test("stretching into fewer frames parts what meets, and refuses what cannot be", () => {
  const frames = [0, 1, 2, 3, 40, 46, 47];
  const plan = planOf(frames.map((frame) => [frame, frame ? "manual" : "first", "edit"]), { n_frames: 48 });
  const short = (n_frames) => planOf([[0, "first"], [2, "peak"]], { n_frames });
  const edit = { plan, base: null, extra: {} };
  assert.deepEqual(framesOf(rescaled(edit, short(8)).plan), [0, 1, 2, 3, 5, 6, 7]);
  assert.deepEqual(framesOf(rescaled(edit, short(7)).plan), [0, 1, 2, 3, 4, 5, 6]);
  assertRefused(() => rescaled(edit, short(6)), "PlanError", ["7 keyframes", "6 frames", "reset"]);
  assertRefused(() => rescaled(readEdit("0, 7"), short(8)), "PlanError", ["Typed frames"]);
});

test("without a base the plan is the artist's, whatever is kept", () => {
  const edit = editOf(deleteKeyframe(PREDICTED, 10));
  const other = planOf([[0, "first"], [30, "peak"]], { n_frames: 60 });
  const to = kept(edit, other);
  assert.equal(to.base, null);
  assert.deepEqual(framesOf(to.plan), framesOf(edit.plan));
  assert.deepEqual(merge(null, to.plan, other), to.plan);
});

test("whatever the clip becomes: what is kept or stretched fits it, and is what a run shows", () => {
  const random = randomOf(3);
  let [nMade, nRefused] = [0, 0];
  for (let round = 0; round < 600; round++) {
    const rates = [24, 24, 12, 30];
    const clip = () => ({ n_frames: 4 + random(30), fps: rates[random(4)] });
    const own = clip();
    const base = random(4) ? randomPlan(random, own) : null;
    const edit = { plan: randomPlan(random, own), base, frames: null, extra: {}, state: "edit", message: "" };
    const prediction = randomPlan(random, clip());
    for (const bring of [kept, rescaled]) {
      try {
        const to = bring(edit, prediction);
        const shown = shownPlan(written(to), prediction);
        assert.equal(shown.problem, null, shown.message);
        const places = (plan) => plan.keyframes.map(({ frame, kind, locked }) => [frame, kind, locked]);
        assert.deepEqual(places(shown.plan), places(to.plan));
        const locks = (plan) => plan.keyframes.filter(({ locked, frame }) => locked && frame).length;
        if (bring === rescaled && !base) assert.equal(locks(to.plan), locks(edit.plan));
        nMade += 1;
      } catch (error) {
        if (!(error instanceof PlanError)) throw error;
        nRefused += 1;
      }
    }
  }
  assert.ok(nMade > 200 && nRefused > 20, `${nMade} made, ${nRefused} refused`);
});
