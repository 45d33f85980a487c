// @ts-check
// Behind the keyframes: the sound, the motion curve over it, and where onsets, beats and frames lie.

import { frameToX, MARGIN, scaleOf, visible, xToFrame } from "./geometry.mjs";
import { columns, levelsOf } from "./levels.mjs";
import { ticks } from "./ticks.mjs";

/** @import { FullScene } from "./draw.mjs" */
/** @import { Band, View } from "./geometry.mjs" */
/** @import { Levels } from "./levels.mjs" */

const FRAME_GRID_PX = 9; // pixels per frame from which each frame has its line
const [CURVE_ABOVE, CURVE_BELOW] = [11, 5]; // pixels: room for the onsets, and for the dots of keyframes
const SILENCE = 1e-3; // of full scale: stretched to full height it would look like sound
/** @type {WeakMap<Float32Array, Levels | null>} */
const curveLevels = new WeakMap();

/**
 * Draws sound, curve, onsets, beats and grid.
 * @param {CanvasRenderingContext2D} context @param {FullScene} scene
 */
export function drawWave(context, scene) {
  const { boxes, width } = scene;
  if (boxes.wave.height <= 0) return;
  context.save();
  context.beginPath();
  context.rect(0, boxes.images.y, width, boxes.images.height + boxes.wave.height);
  context.clip();
  drawGrid(context, scene);
  drawBeats(context, scene);
  drawSound(context, scene);
  drawCurve(context, scene);
  drawOnsets(context, scene);
  context.restore();
}

/**
 * The height of the curve's line at a frame, or null. The curve of a very long clip has fewer scores than frames.
 * @param {Pick<FullScene, "curve" | "nFrames">} scene @param {number} frame @returns {number | null}
 */
export function scoreAt({ curve, nFrames }, frame) {
  if (!curve?.length) return null;
  const at = Math.min(curve.length - 1, (frame * curve.length) / nFrames);
  const [before, after] = [curve[Math.floor(at)], curve[Math.ceil(at)]];
  return before + (after - before) * (at - Math.floor(at));
}

/**
 * Height of a score in [0, 1] in the waveform's band, in pixels from the top.
 * @param {Band} band @param {number} score @returns {number}
 */
export function curveY({ y, height }, score) {
  return y + height - CURVE_BELOW - Math.min(1, Math.max(0, score)) * (height - CURVE_BELOW - CURVE_ABOVE);
}

/** @param {CanvasRenderingContext2D} context @param {FullScene} scene */
function drawGrid(context, { boxes, view, width, nFrames, unit, fps, theme, ratio }) {
  const { y } = boxes.images;
  const height = boxes.images.height + boxes.wave.height;
  const line = (/** @type {number} */ frame) =>
    context.fillRect(snapToPixel(frameToX(frame, view, width), ratio), y, hairline(ratio), height);
  if (scaleOf(view, width) >= FRAME_GRID_PX) {
    context.fillStyle = theme.grid;
    const pad = MARGIN / scaleOf(view, width);
    const last = Math.min(nFrames, view.first + view.span + pad);
    for (let frame = Math.max(0, Math.ceil(view.first - pad)); frame <= last; frame++) line(frame);
  }
  context.fillStyle = theme.gridStrong;
  for (const { frame, major } of ticks(view, width, unit, fps)) if (major && frame <= nFrames) line(frame);
}

/** @param {CanvasRenderingContext2D} context @param {FullScene} scene */
function drawBeats(context, { boxes, view, width, beats, theme, ratio }) {
  if (visibleGap(beats, view, width) < 8) return; // lines so close would grey the waveform
  const { y, height } = boxes.wave;
  const [dash, space] = [4, 4];
  context.fillStyle = theme.beat;
  forVisible(beats, view, width, (x) => {
    for (let at = y + 8; at < y + height; at += dash + space)
      context.fillRect(snapToPixel(x, ratio), at, hairline(ratio), dash);
  });
}

/** @param {CanvasRenderingContext2D} context @param {FullScene} scene */
function drawSound(context, { boxes, view, width, nFrames, wave, theme, ratio }) {
  if (!wave) return;
  const middle = boxes.wave.y + boxes.wave.height / 2;
  const gain = wave.peak < SILENCE ? 0 : (boxes.wave.height / 2 - 7) / wave.peak;
  const { min, max } = columns(wave, view, width, nFrames, ratio);
  const thin = 0.5; // a quiet place is a line, not a gap
  context.fillStyle = theme.waveform;
  for (let i = 0; i < min.length; i++) {
    if (Number.isNaN(min[i])) continue;
    const top = middle - Math.max(max[i] * gain, thin);
    const bottom = middle - Math.min(min[i] * gain, -thin);
    context.fillRect(i / ratio, top, 1 / ratio, bottom - top); // faster than one path of so many edges
  }
}

/** @param {CanvasRenderingContext2D} context @param {FullScene} scene */
function drawCurve(context, scene) {
  const { boxes, curve, theme, view, width, nFrames } = scene;
  if (!curve?.length) return;
  const bottom = boxes.wave.y + boxes.wave.height;
  const isNear = (scaleOf(view, width) * nFrames) / curve.length >= 1; // a pixel or more per score
  const points = isNear ? curvePoints(scene) : curveEnvelope(scene);
  if (points.length < 2) return;
  const trace = () => {
    for (const [i, [x, y]] of points.entries()) {
      if (i) context.lineTo(x, y);
      else context.moveTo(x, y);
    }
  };

  const fade = context.createLinearGradient(0, boxes.wave.y, 0, bottom);
  fade.addColorStop(0, theme.curveTop);
  fade.addColorStop(1, theme.curveBottom);
  context.beginPath();
  trace();
  context.lineTo(points[points.length - 1][0], bottom);
  context.lineTo(points[0][0], bottom);
  context.fillStyle = fade;
  context.fill();

  if (!isNear) {
    context.fillStyle = theme.curveFar;
    for (const [x, high, low = high] of points) context.fillRect(x, high - 0.5, 1, low - high + 1.5);
    return;
  }
  context.beginPath();
  trace();
  context.strokeStyle = theme.curve;
  context.lineWidth = 1.5;
  context.lineJoin = "round";
  context.stroke();
}

/**
 * [x, y] from score to score.
 * @param {FullScene} scene @returns {[number, number][]}
 */
function curvePoints({ boxes, view, width, nFrames, curve }) {
  if (!curve) return [];
  const step = nFrames / curve.length; // frames per score: 1, but for very long clips
  const first = Math.max(0, Math.floor(xToFrame(0, view, width) / step) - 1);
  const last = Math.min(curve.length - 1, Math.ceil(xToFrame(width, view, width) / step) + 1);
  /** @type {[number, number][]} */
  const points = [];
  for (let i = first; i <= last; i++) points.push([frameToX(i * step, view, width), curveY(boxes.wave, curve[i])]);
  // the last frame is shown until the clip ends
  if (points.length && last === curve.length - 1)
    points.push([frameToX(nFrames, view, width), points[points.length - 1][1]]);
  return points;
}

/**
 * [x, top, bottom] from pixel to pixel, where many frames share one.
 * @param {FullScene} scene @returns {[number, number, number][]}
 */
function curveEnvelope({ boxes, view, width, nFrames, curve }) {
  if (!curve) return [];
  const levels = curveLevels.get(curve) ?? levelsOf(curve, curve);
  curveLevels.set(curve, levels);
  if (!levels) return [];
  const { min, max } = columns(levels, view, width, nFrames);
  /** @type {[number, number, number][]} */
  const points = [];
  for (let x = 0; x < min.length; x++) {
    if (!Number.isNaN(min[x])) points.push([x, curveY(boxes.wave, max[x]), curveY(boxes.wave, min[x])]);
  }
  return points;
}

/** @param {CanvasRenderingContext2D} context @param {FullScene} scene */
function drawOnsets(context, { boxes, view, width, onsets, candidates = [], theme, ratio }) {
  const gap = visibleGap(onsets, view, width);
  const top = boxes.wave.y;
  context.fillStyle = theme.onset;
  if (gap >= 3) {
    const half = Math.min(3.5, gap / 4);
    context.beginPath();
    forVisible(onsets, view, width, (x) => {
      context.moveTo(x - half, top);
      context.lineTo(x + half, top);
      context.lineTo(x, top + 5);
    });
    context.fill();
  }
  // apart by shape, not by colour alone: weaker strikes are short lines, the first to go where there is no room
  if (visibleGap(candidates, view, width) < 6) return;
  forVisible(candidates, view, width, (x) => {
    context.fillRect(snapToPixel(x, ratio), top, hairline(ratio), 3);
  });
}

/** @param {number[]} frames @param {View} view @param {number} width @param {(x: number) => void} use */
function forVisible(frames, view, width, use) {
  if (!frames?.length) return;
  const [first, last] = visible(frames, view, (MARGIN + 6) / scaleOf(view, width));
  for (let i = first; i < last; i++) use(frameToX(frames[i], view, width));
}

/**
 * Mean distance in pixels of what is seen of these frames.
 * @param {number[]} frames @param {View} view @param {number} width @returns {number}
 */
function visibleGap(frames, view, width) {
  if (!frames?.length) return Infinity;
  const [first, last] = visible(frames, view);
  return width / Math.max(1, last - first);
}

/**
 * How wide a line of about `wide` pixels is that ends where pixels of the canvas do.
 * @param {number} ratio @param {number} [wide] @returns {number}
 */
export function hairline(ratio, wide = 1) {
  return Math.max(1, Math.round(wide * ratio)) / ratio;
}

/**
 * Where such a line begins that is centred on x.
 * @param {number} x @param {number} ratio @param {number} [wide] @returns {number}
 */
export function snapToPixel(x, ratio, wide = 1) {
  return Math.round((x - hairline(ratio, wide) / 2) * ratio) / ratio;
}
