// The short notation of merge_cases.json and count_cases.json, as tests/helpers/plan_cases.py reads it for Python.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import { VERSION, planFrom } from "../../../js/editor/plan/plan.mjs";

/** A file of tests/ as text. */
export const textOf = (name) => readFileSync(new URL(`../../${name}`, import.meta.url), "utf8");

/** The cases of a table of tests/. */
export function casesOf(name) {
  const { cases } = JSON.parse(textOf(name));
  assert.ok(cases.length > 0);
  return cases;
}

/** A Plan of keyframes in short notation: [frame, kind, source, locked, further fields]. */
export function planOf(entries, { n_frames = 24, fps = 24, fields = {}, fingerprint = null } = {}) {
  const keyframes = entries.map(([frame, kind, source = "", locked = false, extra = {}]) => {
    return { frame, kind, locked, source, ...extra };
  });
  return planFrom({ version: VERSION, fps, n_frames, count: keyframes.length, fingerprint, keyframes, ...fields });
}

/** The plan under a key of a case; null stays null. */
export function casePlan(row, key) {
  if (row[key] === null) return null;
  const of = (name, otherwise) => row[`${key}_${name}`] ?? row[name] ?? otherwise;
  return planOf(row[key], { n_frames: of("n_frames", 24), fps: of("fps", 24), fields: row[`${key}_fields`] });
}

/** Asserts that a function throws an error of this class whose message mentions all of these. */
export function assertRefused(act, name, mentions) {
  assert.throws(act, (error) => {
    assert.equal(error.name, name, error.stack);
    for (const mentioned of mentions) assert.ok(error.message.includes(mentioned), `${mentioned}: ${error.message}`);
    return true;
  });
}

/** A function that gives pseudo-random whole numbers below `n`, the same in each run. */
export function randomOf(seed) {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

/** Any plan of a clip, about one frame in three a keyframe and one keyframe in six locked. */
export function randomPlan(random, clip) {
  const kinds = ["peak", "valley", "fill", "manual"];
  const keyframes = [[0, "first"]];
  for (let frame = 1; frame < clip.n_frames; frame++) {
    const isLast = frame === clip.n_frames - 1 && keyframes.length === 1;
    if (isLast || random(3) === 0) keyframes.push([frame, kinds[random(4)], "", random(6) === 0]);
  }
  return planOf(keyframes, clip);
}
