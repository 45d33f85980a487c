// Merging and the rules of changing a plan: the tables that keyframes/merge.py and tests/oracles/plan_rules.py are held to as well.

import assert from "node:assert/strict";
import test from "node:test";

import { merge, sameSound } from "../../../js/editor/plan/merge.mjs";
import * as rules from "../../../js/editor/plan/rules.mjs";
import { assertRefused, casePlan, casesOf } from "../helpers/plan_cases.mjs";

const STEPS = {
  add: rules.addKeyframe,
  delete: rules.deleteKeyframe,
  move: rules.moveKeyframe,
  lock: (plan, frame) => rules.lockKeyframe(plan, frame, true),
  unlock: (plan, frame) => rules.lockKeyframe(plan, frame, false),
  kind: rules.setKind,
  prompt: (plan, frame, prompt) => rules.setOwn(plan, frame, { prompt }),
  image: (plan, frame, image) => rules.setOwn(plan, frame, { image }),
};

for (const row of casesOf("merge_cases.json")) {
  test(`merge: ${row.name}`, () => {
    const plans = ["base", "edited", "new"].map((key) => casePlan(row, key));
    const before = JSON.stringify(plans);
    if (row.error) assertRefused(() => merge(...plans), row.error.class, row.error.mentions);
    else assert.deepEqual(merge(...plans), casePlan(row, "expected"));
    assert.equal(JSON.stringify(plans), before, "a merge leaves its plans alone");
  });
}

for (const row of casesOf("count_cases.json")) {
  test(`rules: ${row.name}`, () => {
    const plan = casePlan(row, "plan");
    const before = JSON.stringify(plan);
    if (row.nearest_free) {
      const [frame, to, expected] = row.nearest_free;
      assert.equal(rules.nearestFree(plan, frame, to), expected);
    } else {
      const act = () => row.do.reduce((result, [step, ...values]) => STEPS[step](result, ...values), plan);
      if (row.error) assertRefused(act, row.error.class, row.error.mentions);
      else assert.deepEqual(act(), casePlan(row, "expected"));
    }
    assert.equal(JSON.stringify(plan), before, "a rule leaves its plan alone");
  });
}

test("a sound is the same after other decoders, and an unknown one may be any", () => {
  const sound = (loudness, n_frames = 24) => ({ n_frames, loudness });
  assert.ok(sameSound(sound([0, -3]), sound([-1, -2])));
  assert.ok(sameSound(null, sound([0])) && sameSound(sound([0]), undefined));
  assert.ok(!sameSound(sound([0, -3]), sound([0, -5])));
  assert.ok(!sameSound(sound([0]), sound([0], 25)));
  assert.ok(!sameSound(sound([0, -3]), sound([0])));
});
