// Made-up clips, drawn on the page's canvas and timed there.

import { draw } from "/js/editor/canvas/draw.mjs";
import { fit, frameToX, layout } from "/js/editor/canvas/geometry.mjs";
import { levelsOf } from "/js/editor/canvas/levels.mjs";
import { readTheme } from "/js/editor/canvas/theme.mjs";

export { KIND_SHAPES } from "/js/editor/canvas/draw.mjs";
export { readTheme };

const KINDS = ["peak", "valley", "peak", "fill", "manual", "fill"];

/** ComfyUI 0.30's own palettes: what of them the editor reads. */
export const PALETTES = {
  dark: { "--comfy-menu-bg": "#171718", "--input-text": "#ddd", "--p-primary-color": "#0b8ce9" },
  light: { "--comfy-menu-bg": "#FFFFFF", "--input-text": "#222", "--p-primary-color": "#0b8ce9" },
  arc: { "--comfy-menu-bg": "#242730", "--input-text": "#ddd" },
  github: { "--comfy-menu-bg": "#13171d", "--input-text": "#bcc2c8" },
  solarized: { "--comfy-menu-bg": "#073642", "--input-text": "#93a1a1" },
  nord: { "--comfy-menu-bg": "#161b22", "--input-text": "#bcc2c8" },
};

/** A plan of `nKeyframes`, unevenly spread over `nFrames`, with some locked ones. */
export function planOf(nFrames, nKeyframes) {
  const keyframes = Array.from({ length: nKeyframes }, (_, i) => {
    const jitter = i % 3 === 1 ? 0.32 : i % 5 === 2 ? -0.3 : 0;
    const frame = i ? Math.max(1, Math.round(((i + jitter) * nFrames) / nKeyframes)) : 0;
    return { frame, kind: i ? KINDS[(i - 1) % KINDS.length] : "first", locked: i > 0 && i % 7 === 2, source: "" };
  });
  return { version: 1, fps: 24, n_frames: nFrames, count: nKeyframes, fingerprint: null, keyframes };
}

/** A scene of strikes that ring out, one at each peak of the plan. */
export function sceneOf({ nFrames = 48, nKeyframes = 12, width = 720, height = 240, palette = "dark", ...more } = {}) {
  for (const [name, value] of Object.entries(PALETTES[palette])) document.body.style.setProperty(name, value);
  const plan = planOf(nFrames, nKeyframes);
  const strikes = plan.keyframes.filter(({ kind }) => kind === "peak").map(({ frame }) => frame);
  const perFrame = 8;
  const loudness = new Float32Array(nFrames * perFrame).fill(0.02);
  for (const strike of strikes) {
    for (let i = 0; i < 20 * perFrame && strike * perFrame + i < loudness.length; i++) {
      loudness[strike * perFrame + i] += 0.8 * Math.exp(-i / (4 * perFrame)) * (0.6 + 0.4 * Math.sin(i * 1.7) ** 2);
    }
  }
  const curve = Float32Array.from({ length: nFrames }, (_, frame) =>
    Math.min(1, loudness[frame * perFrame] * 1.1 + 0.05),
  );
  return {
    width, height, ratio: 1, view: fit(nFrames), nFrames, fps: 24, unit: "frames", plan, previewPlan: null,
    selection: new Set(), focus: null, hover: null, playhead: null, loop: null, box: null,
    wave: levelsOf(loudness.map((value) => -value * 0.9), loudness), curve,
    onsets: strikes, beats: Array.from({ length: Math.floor(nFrames / 12) }, (_, i) => i * 12),
    images: new Map(), theme: readTheme(document.body), snapMark: null, ...more,
  }; // prettier-ignore
}

/** An image per keyframe, painted here. */
export function imagesOf(plan) {
  return new Map(plan.keyframes.map(({ frame }, i) => [frame, imageOf(i)]));
}

function imageOf(number) {
  const image = new OffscreenCanvas(160, 100);
  const context = image.getContext("2d");
  const sky = context.createLinearGradient(0, 0, 0, 100);
  sky.addColorStop(0, `hsl(${200 + number * 9}, 45%, 62%)`);
  sky.addColorStop(1, `hsl(${30 + number * 5}, 55%, 72%)`);
  context.fillStyle = sky;
  context.fillRect(0, 0, 160, 100);
  context.fillStyle = `hsl(${150 + number * 7}, 30%, 28%)`;
  context.beginPath();
  context.ellipse(80, 110, 110, 48, 0, 0, 7);
  context.fill();
  context.fillStyle = "#f7e7c0";
  context.beginPath();
  context.arc(30 + number * 9, 34, 12, 0, 7);
  context.fill();
  return image;
}

const READ = { willReadFrequently: true }; // drawn by the processor, where a call ends when it is done

/** Shows a scene on the page's canvas. */
export function show(scene) {
  const canvas = document.querySelector("canvas");
  canvas.width = scene.width * scene.ratio;
  canvas.height = scene.height * scene.ratio;
  canvas.style.width = `${scene.width}px`;
  canvas.style.height = `${scene.height}px`;
  draw(canvas.getContext("2d", READ), scene);
}

/** By frame: the colour in the middle of the marker on the page's canvas, and the one that its kind has. */
export function markerColours({ plan, view, width, height, ratio, theme }) {
  const context = document.querySelector("canvas").getContext("2d");
  const { keys } = layout(width, height);
  const colours = {};
  for (const { frame, kind } of plan.keyframes) {
    const place = [frameToX(frame, view, width), keys.y + 16].map((pixels) => Math.round(pixels * ratio));
    const [r, g, b] = context.getImageData(...place, 1, 1).data;
    colours[frame] = [`rgb(${r}, ${g}, ${b})`, theme.kinds[kind]];
  }
  return colours;
}

/** Median milliseconds of drawing each of the scenes, taken in turns so that a busy machine slows all alike. */
export function times(scenes, nRounds = 25) {
  const contexts = scenes.map(({ width, height, ratio }) => {
    return new OffscreenCanvas(width * ratio, height * ratio).getContext("2d", READ);
  });
  const taken = scenes.map(() => []);
  for (let round = 0; round < nRounds; round++) {
    scenes.forEach((scene, i) => {
      const start = performance.now();
      draw(contexts[i], scene);
      contexts[i].getImageData(0, 0, 1, 1); // waits until it is painted
      taken[i].push(performance.now() - start);
    });
  }
  return taken.map((ms) => ms.sort((a, b) => a - b)[Math.floor(nRounds / 2)]);
}
