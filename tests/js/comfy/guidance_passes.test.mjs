// How many passes Multimodal CFG announces: the table that models/diffusion/guidance.py is held to as well.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { passesPerStep, passesText } from "../../../js/guidance_passes.mjs";

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

test("the line reads like a sentence", () => {
  const released = { image: 2, text: 7.5, audio: 9, rescale: 0.7 };
  assert.equal(passesText(released), "4 passes per step (3 for a model without sound)");
  assert.equal(passesText({ ...released, audio: 7.5 }), "3 passes per step");
  assert.equal(passesText({ image: 1, text: 1, audio: 1, rescale: 0 }), "1 pass per step");
  assert.equal(passesText({ ...released, audio: NaN }), "up to 4 passes per step (3 for a model without sound)");
});
