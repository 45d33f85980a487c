// Status messages: what was done, and every key in the help.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import * as actions from "../../../js/editor/state/actions.mjs";
import { HELP } from "../../../js/editor/panels/help.mjs";
import { KEYS } from "../../../js/editor/input/keys.mjs";
import { planFrom } from "../../../js/editor/plan/plan.mjs";

function planAt(frames, locked = []) {
  const keyframes = frames.map((frame) => {
    return { frame, kind: frame ? "peak" : "first", locked: locked.includes(frame), source: "strongest" };
  });
  return planFrom({ version: 1, fps: 24, n_frames: 48, count: frames.length, fingerprint: null, keyframes });
}

test("a shift tells by how much it went", () => {
  const message = (plan, delta) => actions.shift(plan, [], delta).message;
  assert.equal(message(planAt([0, 10, 20, 30]), 10), "Shifted 3 keyframes by 10.");
  assert.equal(message(planAt([0, 10, 20, 45]), 10), "Shifted 3 keyframes by 2. There is no room for 10.");
  assert.equal(message(planAt([0, 3, 20]), -9), "Shifted 2 keyframes by -2. There is no room for -9.");
  assert.equal(message(planAt([0, 10, 20], [20]), 3), "Shifted 1 keyframe by 3. Frame 0 and 1 locked stayed.");
  assert.equal(message(planAt([0, 10, 12, 20], [12]), 5), "Shifted 2 keyframes by 5. Frame 0 and 1 locked stayed.");
});

test("a changed kind has its own message, without frame 0, which stays", () => {
  const plan = planAt([0, 10, 20]);
  const message = (frames, kind) => actions.changeKind(plan, frames, kind).message;
  assert.equal(message([10], "valley"), "The keyframe at frame 10 is a valley now.");
  assert.equal(message([10], "manual"), "The keyframe at frame 10 is manual now.");
  assert.equal(message([0, 10, 20], "fill"), "Made 2 keyframes fills.");
  assert.equal(message([0, 10], "manual"), "Made one keyframe manual.");
});

const SIGNS = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", "-": "−" };
const WORDS = { PageUp: "Page Up", PageDown: "Page Down", Escape: "Esc", ContextMenu: "Menu key" };

/** Whether a row of help names a key, such as "Shift+ArrowLeft", and what is held with it. */
function names(row, key) {
  const [, held, name] = /^(?:(Shift|Alt|Ctrl)\+)?(.+)$/.exec(key);
  const words = row.replaceAll(/[()]/g, " ").split(/\s+/);
  const bare = words.map((word) => (word.length > 1 ? word.replace(/,$/, "") : word));
  const isNamed = name in WORDS ? row.includes(WORDS[name]) : bare.includes(SIGNS[name] ?? name);
  return isNamed && (!held || words.includes(held));
}

test("every key is in the help page and in the editor's own list", () => {
  const page = readFileSync(new URL("../../../js/docs/KeyVID_EditKeyframes.md", import.meta.url), "utf8");
  const [, keyboard] = page.split("## Keyboard");
  const table = keyboard.split("\n").filter((line) => line.startsWith("| "));
  const help = { page: table.map((line) => line.split("|")[1]), list: HELP.map(([keys]) => keys) };
  for (const [place, rows] of Object.entries(help)) {
    for (const key of KEYS.flatMap(([keys]) => keys)) {
      assert.ok(rows.some((row) => names(row, key)), `${key} is not in the ${place}`);
    }
  }
});
