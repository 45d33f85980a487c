// What is drawn, recorded by a canvas that only listens.

import assert from "node:assert/strict";
import test from "node:test";

import { draw } from "../../../js/editor/canvas/draw.mjs";
import { fit, frameToX, layout, xToFrame } from "../../../js/editor/canvas/geometry.mjs";
import { levelsOf } from "../../../js/editor/canvas/levels.mjs";
import { themeOf } from "../../../js/editor/canvas/theme.mjs";

const CHARACTER_PX = 6;
const theme = themeOf({ panel: [23, 23, 24], text: [221, 221, 221], accent: [11, 140, 233] });

/** A 2D context that notes each call as [name, ...arguments], with the fill and stroke of that moment. */
function listener() {
  const calls = [];
  const state = { fillStyle: "", strokeStyle: "", globalAlpha: 1 };
  const results = {
    measureText: (text) => ({ width: text.length * CHARACTER_PX }),
    createLinearGradient: () => ({ addColorStop() {} }),
  };
  const context = new Proxy(state, {
    get: (_, name) => {
      if (name in results) return results[name];
      if (name in state) return state[name];
      return (...args) => void calls.push({ name, args, fill: state.fillStyle, alpha: state.globalAlpha });
    },
    set: (_, name, value) => ((state[name] = value), true),
  });
  return { calls, context, state };
}

function planAt(nFrames, frames) {
  const kinds = ["peak", "valley", "fill", "manual"];
  const keyframes = frames.map((frame, i) => ({
    frame,
    kind: frame ? kinds[i % 4] : "first",
    locked: frame > 0 && i % 5 === 3,
  }));
  return { n_frames: nFrames, keyframes };
}

function sceneOf(nFrames, nKeyframes, more = {}) {
  const frames = Array.from({ length: nKeyframes }, (_, i) => Math.floor((i * nFrames) / nKeyframes));
  const max = Float32Array.from({ length: nFrames * 8 }, (_, i) => Math.abs(Math.sin(i)));
  return {
    width: 720,
    height: 240,
    ratio: 1,
    view: fit(nFrames),
    nFrames,
    fps: 24,
    unit: "frames",
    plan: planAt(nFrames, frames),
    previewPlan: null,
    selection: new Set(),
    focus: null,
    hover: null,
    playhead: null,
    loop: null,
    box: null,
    wave: levelsOf(
      max.map((value) => -value),
      max,
    ),
    curve: Float32Array.from({ length: nFrames }, (_, i) => (i % 9) / 9),
    onsets: frames.slice(1),
    beats: frames,
    images: new Map(),
    theme,
    snapMark: null,
    ...more,
  };
}

function drawn(scene) {
  const { calls, context, state } = listener();
  draw(context, scene);
  for (const { name, args } of calls) {
    for (const value of args) assert.ok(typeof value !== "number" || Number.isFinite(value), `${name}(${args})`);
  }
  const count = (wanted) => calls.filter(({ name }) => name === wanted).length;
  assert.equal(count("save"), count("restore"));
  assert.equal(state.globalAlpha, 1);
  return calls;
}

/** [{text, left, right, y}] of all text that was written. */
function written(calls) {
  return calls
    .filter(({ name }) => name === "fillText")
    .map(({ args: [text, x, y] }) => ({ text, left: x, right: x + text.length * CHARACTER_PX, y }));
}

test("numbers never lie over each other, at any zoom, unit and width, whatever is selected", () => {
  for (const unit of ["frames", "seconds", "timecode"]) {
    for (const [width, nFrames, nKeyframes] of [
      [320, 48, 12],
      [420, 480, 40],
      [720, 480, 120],
      [1600, 10_000, 1000],
    ]) {
      for (const view of [fit(nFrames), { first: nFrames / 3, span: nFrames / 5 }, { first: 7.5, span: 6 }]) {
        const scene = sceneOf(nFrames, nKeyframes, { unit, width, view, playhead: view.first + view.span / 2 });
        const frames = scene.plan.keyframes.map(({ frame }) => frame);
        scene.selection = new Set(frames.slice(2, 9));
        scene.focus = frames[3];
        scene.hover = { part: "wave", frame: null, at: view.first + view.span / 2 + 1, edge: null };
        const texts = written(drawn(scene));
        for (const y of new Set(texts.map((text) => text.y))) {
          const row = texts.filter((text) => text.y === y).sort((a, b) => a.left - b.left);
          row.slice(1).forEach((text, i) => {
            assert.ok(
              text.left >= row[i].right,
              `${row[i].text} and ${text.text} at ${y} in ${JSON.stringify([unit, width, view])}`,
            );
          });
          for (const { text, left, right } of row) assert.ok(left >= 0 && right <= width, `${text} is cut off`);
        }
      }
    }
  }
});

test("the focused keyframe always has its number", () => {
  const scene = sceneOf(480, 240, { unit: "timecode" });
  scene.selection = new Set(scene.plan.keyframes.map(({ frame }) => frame));
  for (const frame of [0, 2, 240, 478]) {
    const texts = written(drawn({ ...scene, focus: frame })).filter(({ y }) => y > layout(720, 240).keys.y);
    const code = `0:${String(Math.floor(frame / 24)).padStart(2, "0")}:${String(frame % 24).padStart(2, "0")}`;
    assert.ok(
      texts.some(({ text }) => text === code),
      `${code} in ${texts.map(({ text }) => text)}`,
    );
  }
});

test("drawing costs what is seen: a long crowded clip is no more than twice a short one", () => {
  for (const width of [420, 720, 1600]) {
    const short = drawn(sceneOf(480, 120, { width })).length;
    const long = drawn(sceneOf(10_000, 1000, { width })).length;
    assert.ok(long <= 2 * short, `${long} calls instead of ${short} at ${width}`);
    const near = drawn(sceneOf(10_000, 1000, { width, view: { first: 5000, span: 480 } })).length;
    assert.ok(near <= 2 * short, `${near} calls for a part`);
  }
});

test("each keyframe is drawn at its frame, in the colour of its kind", () => {
  const scene = sceneOf(48, 12);
  const stems = drawn(scene).filter(
    ({ name, fill, alpha }) => name === "fillRect" && alpha < 1 && Object.values(theme.kinds).includes(fill),
  );
  const { wave } = layout(720, 240);
  for (const { frame, kind } of scene.plan.keyframes) {
    const x = frameToX(frame, scene.view, 720);
    const its = stems.filter(({ args: [left, top, width] }) => top === wave.y && Math.abs(left + width / 2 - x) <= 0.5);
    assert.deepEqual(
      its.map(({ fill }) => fill),
      [theme.kinds[kind]],
      `frame ${frame}`,
    );
  }
});

test("a keyframe's dot lies on the curve, also where the curve has fewer scores than frames", () => {
  for (const nScores of [48, 24, 16]) {
    const curve = Float32Array.from({ length: nScores }, (_, i) => i / nScores);
    const scene = sceneOf(48, 12, { curve });
    const dots = drawn(scene).filter(({ name, args }) => name === "arc" && args[2] === 2.75);
    const { y, height } = layout(720, 240).wave;
    assert.equal(dots.length, 12);
    for (const { args } of dots) {
      const frame = Math.round(xToFrame(args[0], scene.view, 720));
      const score = (y + height - 5 - args[1]) / (height - 16);
      assert.ok(Math.abs(score - frame / 48) < 0.001, `frame ${frame} of ${nScores}: ${score}`);
    }
  }
});

test("zoomed in, the curve's line is where its scores are, also where it has fewer of them than frames", () => {
  for (const nScores of [20_000, 10_000]) {
    const curve = Float32Array.from({ length: nScores }, (_, i) => i / nScores);
    const scene = sceneOf(20_000, 2, { curve, view: { first: 9_000, span: 200 } });
    const { y, height } = layout(720, 240).wave;
    const line = drawn(scene).filter(({ name, args }) => name === "lineTo" && args[1] < y + height);
    assert.ok(line.length >= (200 * nScores) / 20_000, `${line.length} of ${nScores}`);
    for (const { args } of line) {
      const score = (y + height - 5 - args[1]) / (height - 16);
      const frame = xToFrame(args[0], scene.view, 720);
      assert.ok(Math.abs(score - frame / 20_000) < 0.001, `frame ${frame} of ${nScores}: ${score}`);
    }
  }
});

test("while something is dragged, the dragged plan is drawn, and where it came from is hollow", () => {
  const plan = planAt(48, [0, 10, 20]);
  const previewPlan = planAt(48, [0, 10, 30]);
  const at = (calls, frame, nameOfCall) => {
    const { y, height } = layout(720, 240).keys;
    const x = frameToX(frame, fit(48), 720);
    return calls.some(
      ({ name, args }) => name === nameOfCall && Math.abs(args[0] - x) < 1 && args[1] > y && args[1] < y + height,
    );
  };
  const number = (calls, frame) =>
    written(calls).some(({ text, y }) => text === String(frame) && y > layout(720, 240).keys.y);
  const calls = drawn({
    ...sceneOf(48, 2),
    plan,
    previewPlan,
    selection: new Set([30]),
    focus: 30,
    snapMark: 30,
    snapTo: "onset",
  });
  assert.ok(number(calls, 30) && !number(calls, 20));
  assert.ok(calls.some(({ name, args }) => name === "setLineDash" && args[0].length === 2));
  assert.ok(written(calls).some(({ text }) => text === " · strike"));
  assert.ok(at(calls, 20, "arc") || at(calls, 20, "lineTo"), "an outline where it came from");
});

test("nothing known, no sound, silence, two frames and tiny sizes are fine", () => {
  const nothing = { plan: null, wave: null, curve: null, onsets: [], beats: [] };
  const texts = (scene) =>
    written(drawn(scene))
      .map(({ text }) => text)
      .join(" ");
  assert.match(texts(sceneOf(48, 12, { wave: null, curve: null })), /Connect the sound and a curve/);
  assert.doesNotMatch(texts(sceneOf(48, 12)), /Connect/);
  drawn(sceneOf(48, 12, { ...nothing, nFrames: 0, view: fit(0) }));
  drawn(sceneOf(48, 12, { wave: levelsOf([0, 0], [0, 0]) }));
  drawn(sceneOf(2, 2));
  drawn(sceneOf(48, 12, { width: 60, height: 70 }));
  drawn(sceneOf(48, 12, { curve: new Float32Array(0) }));
  drawn({
    ...sceneOf(48, 12),
    selection: undefined,
    playhead: undefined,
    loop: undefined,
    snapMark: undefined,
    images: undefined,
  });
});

test("images never overlap, but for the whole one under the hand", () => {
  const image = { width: 160, height: 100 };
  const scene = sceneOf(48, 12, { height: 260 });
  scene.images = new Map(scene.plan.keyframes.map(({ frame }) => [frame, image]));
  const places = (calls) =>
    calls.filter(({ name }) => name === "drawImage").map(({ args }) => [args[5], args[5] + args[7]]);
  for (const view of [fit(48), { first: 3, span: 20 }, { first: 20, span: 6 }]) {
    const found = places(drawn({ ...scene, view }));
    assert.ok(found.length > 0);
    found.slice(1).forEach(([left], i) => assert.ok(left >= found[i][1], JSON.stringify(view)));
  }
  const [focused] = places(drawn({ ...scene, focus: 12 })).slice(-1);
  assert.ok(
    Math.abs(focused[1] - focused[0] - 1.6 * (layout(720, 260, { hasImages: true }).images.height - 6)) < 1e-6,
  );
});

test("an image that did not come is a crossed box with a question mark, one that is loading is none", () => {
  const scene = sceneOf(48, 12, { height: 260 });
  const texts = (image) => {
    const calls = drawn({ ...scene, images: new Map([[scene.plan.keyframes[1].frame, image]]) });
    return [written(calls).filter(({ text }) => text === "?").length, calls.filter((c) => c.name === "drawImage").length];
  };
  assert.deepEqual(texts({ complete: true, naturalWidth: 0 }), [1, 0]);
  assert.deepEqual(texts({ complete: false, naturalWidth: 0 }), [0, 1]);
  assert.deepEqual(texts({ complete: true, naturalWidth: 160, naturalHeight: 100 }), [0, 1]);
});

test("clear strikes and weaker ones differ in shape: triangles and short lines, each at its frame", () => {
  const scene = sceneOf(48, 12, { onsets: [10], candidates: [20, 30], beats: [] });
  const { wave } = layout(scene.width, scene.height, { hasImages: false });
  const calls = drawn(scene);
  const lines = calls.filter(({ name, args, fill }) => name === "fillRect" && fill === theme.onset && args[1] === wave.y);
  const near = (x, frame) => Math.abs(x - frameToX(frame, scene.view, scene.width)) <= 1;
  assert.equal(lines.length, 2);
  for (const [i, frame] of [20, 30].entries()) assert.ok(near(lines[i].args[0], frame));
  const tips = calls.filter(({ name, args }) => name === "lineTo" && args[1] === wave.y + 5);
  assert.equal(tips.length, 1);
  assert.ok(near(tips[0].args[0], 10));
});
