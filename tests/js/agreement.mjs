// Solves the cases of test_agreement.py, one by one, as JSON: {"result": ...} or {"error": class, "message": ...}.

import { readFileSync } from "node:fs";

import { readEdit, shownPlan, writeEdit } from "../../js/editor/plan/edit.mjs";
import { FORMATS, exportFile, importFile } from "../../js/editor/plan/formats.mjs";
import { framesText } from "../../js/editor/plan/frames_text.mjs";
import { merge } from "../../js/editor/plan/merge.mjs";
import { PlanError, planFrom } from "../../js/editor/plan/plan.mjs";
import * as rules from "../../js/editor/plan/rules.mjs";
import { roomiestFrame } from "../../js/editor/plan/fill_gaps.mjs";

const STEPS = {
  add: rules.addKeyframe,
  delete: rules.deleteKeyframe,
  move: rules.moveKeyframe,
  lock: rules.lockKeyframe,
  kind: rules.setKind,
  prompt: (plan, frame, prompt) => rules.setOwn(plan, frame, { prompt }),
  image: (plan, frame, image) => rules.setOwn(plan, frame, { image }),
};

const RESULTS = {
  merge: ({ base, edited, next }) => merge(base && planFrom(base), planFrom(edited), planFrom(next)),
  step: ({ plan, step }) => STEPS[step[0]](planFrom(plan), ...step.slice(1)),
  roomiest: ({ frames, n_frames, removed, skipped }) =>
    roomiestFrame(frames, { nFrames: n_frames, removed, skipped }),
  plan: ({ document }) => planFrom(document),
  export: ({ plan }) => Object.fromEntries(FORMATS.map(({ format }) => [format, exportFile(planFrom(plan), format)])),
  import: ({ text, plan }) => importFile(text, { plan: planFrom(plan) }),
  edit({ text, prediction }) {
    const edit = readEdit(text);
    if (edit.message) throw Object.assign(new PlanError(edit.message), { name: CLASSES[edit.state] });
    const { plan, problem, message } = shownPlan(edit, planFrom(prediction));
    const written = { empty: () => "", frames: () => framesText(edit.frames), edit: () => writeEdit(edit) };
    const refused = problem && problem !== "sound" ? message : null;
    return { written: written[edit.state](), shown: refused ? null : plan, refused, sound: problem === "sound" };
  },
};

const CLASSES = { newer: "PlanVersionError", broken: "PlanError" };

const resultOf = (row) => {
  try {
    return { result: RESULTS[row.ask](row) };
  } catch (error) {
    if (!(error instanceof PlanError)) throw error;
    return { error: error.name, message: error.message };
  }
};

console.log(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(resultOf)));
