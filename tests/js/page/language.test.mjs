// The editor in another language: texts are translated where they are shown, and the artist's own never are.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test, { afterEach } from "node:test";
import { wrapped } from "../../../js/editor/canvas/labels.mjs";
import { say, speak } from "../../../js/editor/words.mjs";

const table = (language) =>
  JSON.parse(readFileSync(new URL(`../../../js/editor/words/${language}.json`, import.meta.url), "utf8"));

afterEach(() => speak({}));

test("without a table it is English", () => {
  assert.equal(say("Lock"), "Lock");
  speak(table("ko"));
  assert.equal(say("Lock"), "잠금");
  speak({});
  assert.equal(say("Lock"), "Lock");
});

test("what is put in stays, and is translated where it is words of the editor", () => {
  speak(table("zh"));
  assert.equal(say("Moved to frames 3 to 9."), "已移到第 3 到 9 帧。");
  assert.equal(say("Make it a peak"), "设为峰");
  assert.equal(say("The image drum (2).png at frame 12."), "图像 drum (2).png 位于第 12 帧。");
  assert.equal(say("Shifted 3 keyframes by 2. There is no room for 10. Frame 0 and 1 locked stayed."), [
    "已将 3 个关键帧移动 2 帧。", "移动 10 帧的空间不够。", "第 0 帧和 1 个锁定的关键帧保持不动。",
  ].join(""));
});

test("of several sentences that fit, the one with more words of its own is taken", () => {
  speak({ "{0} keyframes": "A {0}", "Delete {0} keyframes": "B {0}", "Delete all of {0}": "C {0}" });
  assert.equal(say("Delete 3 keyframes"), "B 3");
  assert.equal(say("3 keyframes"), "A 3");
});

test("words of the artist stay as they are", () => {
  for (const language of ["ja", "ko", "zh"]) {
    speak(table(language));
    for (const own of ["a drum, filmed from above", "", "Lock the door.", "12: a ball\nfalls", "peak.png"]) {
      assert.equal(say(own), own);
    }
  }
});

test("languages without spaces are broken between letters, and no line begins with a full stop", () => {
  const context = { measureText: (text) => ({ width: [...text].length }) };
  assert.deepEqual(wrapped(context, "two words here", 9), ["two words", "here"]);
  assert.deepEqual(wrapped(context, "已移到最近的打击点。", 5), ["已移到最近", "的打击点。"]);
  assert.deepEqual(wrapped(context, "打击点。", 3), ["打击", "点。"]);
  assert.deepEqual(wrapped(context, "fps を 24 に", 6), ["fps を", "24 に"]);
});
