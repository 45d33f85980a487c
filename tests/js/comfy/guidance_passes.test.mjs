// How many passes Multimodal CFG announces: the table that models/diffusion/guidance.py is held to as well.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { averagePasses, passesPerStep, passesText } from "../../../js/guidance_passes.mjs";

const rows = JSON.parse(readFileSync(new URL("../../guidance_passes.json", import.meta.url), "utf8"));

test("the count is that of the table", () => {
  assert.ok(rows.length >= 10);
  for (const row of rows) {
    assert.equal(passesPerStep(row), row.passes, JSON.stringify(row));
    assert.equal(passesPerStep(row, false), row.passes_without_sound, JSON.stringify(row));
  }
});

test("a value that is not known counts as any value", () => {
  const known = { image: 2, text: 7.5, audio: 9, rescale: 0.7 };
  for (const name of Object.keys(known)) {
    for (const usesAudio of [true, false]) {
      const most = passesPerStep({ ...known, [name]: NaN }, usesAudio);
      for (const value of [0, 1, 2, 7.5, 9]) {
        const count = passesPerStep({ ...known, [name]: value }, usesAudio);
        assert.ok(count <= most, `${name} ${value}`);
      }
    }
  }
  assert.equal(passesPerStep({ image: 1, text: 1, audio: 1, rescale: NaN }), 1);
  assert.equal(passesPerStep({ image: 0, text: 0, audio: 0, rescale: NaN }), 2);
});

test("outside of the guided share of a run every step takes one pass", () => {
  const released = { image: 2, text: 7.5, audio: 9, rescale: 0.7 };
  for (const [from, until, average] of [[0, 1, 4], [0, 0.5, 2.5], [0.25, 0.5, 1.75], [0.5, 0.5, 1], [0.7, 0.2, 1]]) {
    assert.equal(averagePasses({ ...released, from, until }), average);
  }
  assert.equal(averagePasses({ ...released, from: 0, until: 0.5 }, false), 2);
  assert.equal(averagePasses({ ...released, from: 0.9, until: NaN }), 4);
});

test("the line reads like a sentence", () => {
  const released = { image: 2, text: 7.5, audio: 9, rescale: 0.7 };
  assert.equal(passesText(released), "4 passes per step (3 for a model without sound)");
  assert.equal(passesText({ ...released, audio: 7.5 }), "3 passes per step");
  assert.equal(passesText({ image: 1, text: 1, audio: 1, rescale: 0 }), "1 pass per step");
  const half = { ...released, from: 0, until: 0.5 };
  assert.equal(passesText(half), "2.5 passes per step on average (2 for a model without sound)");
  assert.equal(passesText({ ...half, until: 1 }), passesText(released));
  assert.equal(passesText({ ...half, audio: 7.5, until: 0.35 }), "1.7 passes per step on average");
  assert.equal(passesText({ ...half, until: NaN }), `up to ${passesText(released)}`);
  assert.equal(passesText({ ...released, audio: NaN }), "up to 4 passes per step (3 for a model without sound)");
});
