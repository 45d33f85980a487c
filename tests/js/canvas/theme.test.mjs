// Colours on ComfyUI 0.30's own palettes, and on others.

import assert from "node:assert/strict";
import test from "node:test";

import { KIND_SHAPES } from "../../../js/editor/canvas/shapes.mjs";
import { contrast, css, fromHex, mix, themeOf } from "../../../js/editor/canvas/theme.mjs";
import { KINDS } from "../../../js/editor/plan/plan.mjs";

const PALETTES = {
  dark: ["#171718", "#dddddd"],
  light: ["#ffffff", "#222222"],
  arc: ["#242730", "#dddddd"],
  github: ["#13171d", "#bcc2c8"],
  solarized: ["#073642", "#93a1a1"],
  nord: ["#161b22", "#bcc2c8"],
  "before 1.40": ["#353535", "#dddddd"],
  "middle grey": ["#808080", "#888888"],
  cream: ["#f6ead2", "#b0a080"],
};
const parsed = (text) =>
  text
    .match(/[\d.]+/g)
    .slice(0, 3)
    .map(Number);
const themes = Object.entries(PALETTES).map(([name, [panel, text]]) => {
  return [name, themeOf({ panel: fromHex(panel), text: fromHex(text), accent: fromHex("#0b8ce9") })];
});

test("whatever the palette, all that matters stands out from every background", () => {
  for (const [name, theme] of themes) {
    const grounds = ["panel", "raised", "outside"].map((ground) => [ground, parsed(theme[ground])]);
    const graphics = {
      ...theme.kinds,
      ...Object.fromEntries(["curve", "onset", "accent", "playhead"].map((one) => [one, theme[one]])),
    };
    for (const [ground, colour] of grounds) {
      for (const [what, graphic] of Object.entries(graphics)) {
        const found = contrast(parsed(graphic), colour);
        assert.ok(found >= 2.95, `${name}: ${what} on ${ground} has ${found.toFixed(2)}`);
      }
      for (const what of ["text", "dim"]) {
        const found = contrast(parsed(theme[what]), colour);
        assert.ok(found >= 4.4, `${name}: ${what} on ${ground} has ${found.toFixed(2)}`);
      }
    }
    assert.ok(contrast(parsed(theme.onPlayhead), parsed(theme.playhead)) >= 4, `${name}: the playhead's figures`);
    assert.ok(contrast(parsed(theme.waveform), parsed(theme.panel)) >= 1.6, `${name}: the waveform`);
  }
});

test("kinds stay apart in colour", () => {
  for (const [name, theme] of themes) {
    assert.deepEqual(Object.keys(theme.kinds).sort(), [...KINDS].sort());
    assert.equal(new Set(Object.values(theme.kinds)).size, KINDS.length, name);
  }
});

test("every kind, the lock, the words and the image have a shape of their own, as path data inside the box", () => {
  assert.deepEqual(Object.keys(KIND_SHAPES).sort(), [...KINDS, "locked", "prompt", "image"].sort());
  assert.equal(new Set(Object.values(KIND_SHAPES)).size, KINDS.length + 3);
  for (const [kind, path] of Object.entries(KIND_SHAPES)) {
    assert.match(path, /^M[-\d. LMAHVZ]+Z$/, kind);
    for (const number of path.match(/-?[\d.]+/g)) assert.ok(Math.abs(Number(number)) <= 8, `${kind}: ${number}`);
  }
});

test("contrast is that of the guidelines", () => {
  assert.equal(contrast([0, 0, 0], [255, 255, 255]), 21);
  assert.ok(Math.abs(contrast(fromHex("#777"), [255, 255, 255]) - 4.48) < 0.01);
  assert.equal(css(mix([0, 0, 0], [255, 255, 255], 0.5)), "rgb(128, 128, 128)");
  assert.equal(css([1, 2, 3], 0.5), "rgba(1, 2, 3, 0.5)");
});
