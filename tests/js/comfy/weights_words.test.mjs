// Which published file a loader offers, and in what words.

import assert from "node:assert/strict";
import test from "node:test";

import { offered, progressText, sizeText } from "../../../js/comfy/weights_words.mjs";

const file = (target, isHere = false) => ({ target, is_here: isHere });
const weights = (here = []) => ({
  files: Object.fromEntries(["a", "b", "c"].map((key) => [key, file(`${key}.safetensors`, here.includes(key))])),
  lists: { model: ["a", "b"], other: ["c"] },
});

test("the file that the loader names comes first, in whatever folder and on whatever system", () => {
  for (const name of ["b.safetensors", "sub/b.safetensors", "sub\\b.safetensors"]) {
    assert.deepEqual(offered(weights(), "model", name), { keys: ["b", "a"], named: "b" });
  }
});

test("a loader that names another file offers what is published for it", () => {
  assert.deepEqual(offered(weights(), "model", "mine.safetensors"), { keys: ["a", "b"], named: null });
  assert.deepEqual(offered(weights(), "other", ""), { keys: ["c"], named: null });
});

test("what is here is not offered", () => {
  assert.deepEqual(offered(weights(["a"]), "model", "a.safetensors"), { keys: ["b"], named: null });
  assert.deepEqual(offered(weights(["a", "b"]), "model", "a.safetensors"), { keys: [], named: null });
});

test("a named file of another loader's list is offered too", () => {
  assert.deepEqual(offered(weights(), "model", "c.safetensors"), { keys: ["c", "a", "b"], named: "c" });
});

test("progress and sizes are in gigabytes", () => {
  assert.equal(progressText({ what: "asking the page" }), "asking the page …");
  const loading = { what: "downloading", n_done: 3.1e9, n_all: 15.55e9 };
  assert.equal(progressText(loading), "downloading 3.10 of 15.55 GB");
  const said = sizeText({ size: "15.5 GB", kept_gb: 5.3, target: "x.safetensors" });
  assert.equal(said, "15.5 GB to download; 5.3 GB are kept as x.safetensors in models/keyvid.");
  assert.match(sizeText({ size: "size not stated there", kept_gb: 0.3, target: "x" }), /^Size of the download: size not/);
});
