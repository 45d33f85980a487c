// Images of the artist's own on the timeline: dropped, chosen, taken away, and those that are missing.

import assert from "node:assert/strict";
import { test } from "node:test";

import { openEditor } from "../helpers/fake_page.mjs";

const KINDS = { 0: "first", 8: "peak", 14: "fill", 20: "valley", 26: "fill", 31: "peak", 40: "fill" };

function plan(images = {}) {
  const keyframes = Object.entries(KINDS).map(([frame, kind]) => {
    const own = images[frame] ? { image: images[frame] } : {};
    return { frame: Number(frame), kind, locked: false, source: "strongest", ...own };
  });
  return { version: 3, fps: 24, n_frames: 48, count: keyframes.length, fingerprint: null, keyframes };
}

const RESULT = {
  prediction: plan(), n_frames: 48, fps: 24, curve: null, peaks: null, onsets: [], beats: [], curve_peaks: [],
  audio: null, audio_notice: "",
}; // prettier-ignore

const png = (name) => ({ name, type: "image/png" });
const settled = () => new Promise((resolve) => setImmediate(resolve));
const imagesIn = (text) =>
  Object.fromEntries(JSON.parse(text).plan.keyframes.flatMap((one) => (one.image ? [[one.frame, one.image]] : [])));

function opened(t, more = {}) {
  const uploaded = [];
  const uploadImage = async ({ name }) => {
    uploaded.push(name);
    return `up/${name}`;
  };
  const editor = openEditor(t, { result: RESULT, host: { uploadImage, pickImage: async () => png("strike.png") }, ...more });
  const { view, canvas } = editor;
  /** What a browser does with files that are dragged; the events that ComfyUI did not get to see. */
  const dragged = (type, frame, files, { band = "keys", types = ["Files"] } = {}) => {
    const { y, height } = view.timeline.boxes()[band];
    const { clientX } = view.timeline.pointOf(frame);
    const kept = [];
    const transfer = { types, files, dropEffect: "none" };
    window.dispatch(type, {
      target: canvas,
      clientX,
      clientY: y + height / 2,
      dataTransfer: transfer,
      preventDefault: () => kept.push("default"),
      stopImmediatePropagation: () => kept.push("others"),
    });
    return { kept, transfer };
  };
  const drop = async (...what) => {
    const found = dragged("drop", ...what);
    await settled();
    return found;
  };
  /** What is chosen in the menu of what is selected. */
  const choose = (label) => {
    canvas.dispatch("contextmenu", view.timeline.pointOf(view.session.frames[0]));
    const buttons = document.body.all.filter((one) => one.getAttribute("role") === "menuitem");
    buttons.find((one) => one.textContent.startsWith(label)).dispatch("click");
  };
  return { ...editor, uploaded, dragged, drop, choose };
}

test("an image that is dropped on a keyframe is copied and becomes its own", async (t) => {
  const { dragged, drop, written, uploaded, view, said } = opened(t);
  assert.equal(dragged("dragover", 14, []).transfer.dropEffect, "copy");
  assert.equal(view.session.state.hover.frame, 14, "it shows which one it would be");
  const { kept } = await drop(14, [png("a.png")]);
  assert.deepEqual(kept, ["default", "others"], "ComfyUI would open it as a workflow");
  assert.deepEqual([uploaded, written.map(imagesIn)], [["a.png"], [{ 14: "up/a.png" }]]);
  const keyframe = view.session.plan.keyframes[2];
  assert.deepEqual([keyframe.kind, keyframe.source, view.session.frames], ["fill", "edit", [14]]);
  assert.match(said(), /up\/a\.png at frame 14/);
});

test("beside the keyframes it makes one, and several go to those behind it by their names", async (t) => {
  const { drop, written, uploaded, view, said } = opened(t);
  await drop(23, [png("b.png")], { band: "wave" });
  assert.deepEqual(imagesIn(written.at(-1)), { 23: "up/b.png" });
  assert.equal(view.session.plan.count, 7, "a fill gave way");
  await drop(31, [png("10.png"), png("2.png")]);
  const { 23: first, 31: second, ...rest } = imagesIn(written.at(-1));
  assert.deepEqual([first, second, Object.values(rest)], ["up/b.png", "up/2.png", ["up/10.png"]]);
  const before = [written.length, uploaded.length];
  await drop(40, [png("1.png"), png("2.png"), png("3.png")]);
  assert.match(said(), /3 images were dropped at frame 40.*only 1 keyframe;/);
  assert.deepEqual([written.length, uploaded.length], before, "nothing was copied in vain");
});

test("what is no image is refused, and what cannot be copied says why", async (t) => {
  const { drop, written, uploaded, said } = opened(t);
  await drop(14, [{ name: "song.wav", type: "audio/wav" }]);
  assert.match(said(), /Only images/);
  assert.deepEqual([written, uploaded], [[], []]);
  const uploadImage = async () => {
    throw new Error("ComfyUI answered 413.");
  };
  const other = opened(t, { host: { uploadImage } });
  await other.drop(14, [png("a.png")]);
  assert.match(other.said(), /could not be copied.*413/);
  assert.deepEqual(other.written, []);
});

test("where nothing can be edited nothing is copied, and a text that is dragged is ComfyUI's", async (t) => {
  const { drop, dragged, written, uploaded } = opened(t, { text: '{"version": 99, "plan": {}, "base": null}' });
  assert.equal(dragged("dragover", 14, []).transfer.dropEffect, "none");
  await drop(14, [png("a.png")]);
  assert.deepEqual([written, uploaded], [[], []]);
  assert.deepEqual((await drop(14, [], { types: ["text/plain"] })).kept, []);
});

test("an image is chosen for all that are selected, and taken away again", async (t) => {
  const { view, written, choose } = opened(t);
  view.session.select([8, 31]);
  choose("Choose one image for them");
  await settled();
  assert.deepEqual(imagesIn(written.at(-1)), { 8: "up/strike.png", 31: "up/strike.png" });
  view.session.select([31]);
  choose("Without an image");
  assert.deepEqual(imagesIn(written.at(-1)), { 8: "up/strike.png" });
});

test("an image that is not there is said to be missing", (t) => {
  const text = JSON.stringify({ version: 1, plan: plan({ 14: "gone.png", 31: "there.png" }), base: plan() });
  const { view, images, paint } = opened(t, { text });
  assert.deepEqual(images.map(({ src }) => src), ["/view?gone.png", "/view?there.png"]);
  const drawn = () => view.timeline.nDrawn;
  paint();
  const before = drawn();
  Object.assign(images[1], { complete: true, naturalWidth: 90 });
  images[1].onload();
  Object.assign(images[0], { complete: true, naturalWidth: 0 });
  images[0].onerror();
  paint();
  assert.equal(drawn(), before + 1, "it is drawn anew when one came or did not");
  assert.deepEqual([...view.timeline.images.keys()], [14, 31]);
});
