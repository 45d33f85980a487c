// @ts-check
// The whole clip in one bar, and the part of it that is seen.

import { snapToPixel, hairline } from "./waveform.mjs";
import { fit, frameToX, MARGIN } from "./geometry.mjs";
import { columns } from "./levels.mjs";

/** @import { FullScene } from "./draw.mjs" */
/** @import { Band, View } from "./geometry.mjs" */

const CELL_PX = 2;

/**
 * Draws the bar of the whole clip below the keyframes.
 * @param {CanvasRenderingContext2D} context @param {FullScene} scene
 */
export function drawOverview(context, scene) {
  const { boxes, view, width, nFrames, theme } = scene;
  const { y, height } = boxes.overview;
  if (!height) return;
  const bar = { y: y + 4, height: height - 8 };
  const whole = fit(nFrames);
  context.fillStyle = theme.outside;
  context.fillRect(0, y, width, height);
  drawSound(context, scene, bar, whole);
  drawKeyframeTicks(context, scene, bar, whole);

  const [left, right] = [view.first, view.first + view.span].map((frame) => frameToX(frame, whole, width));
  if (view.span < nFrames) {
    context.fillStyle = theme.outside;
    context.globalAlpha = 0.65;
    context.fillRect(0, y, left, height);
    context.fillRect(right, y, width - right, height);
    context.globalAlpha = 1;
  }
  const isActive = scene.hover?.part === "overview";
  context.beginPath();
  context.roundRect(left - 0.5, y + 2.5, Math.max(4, right - left + 1), height - 5, 4);
  context.strokeStyle = view.span < nFrames || isActive ? theme.text : theme.line;
  context.lineWidth = isActive ? 1.5 : 1;
  context.stroke();
}

/** @param {CanvasRenderingContext2D} context @param {FullScene} scene @param {Band} bar @param {View} whole */
function drawSound(context, { width, nFrames, wave, theme }, { y, height }, whole) {
  if (!wave?.peak) return;
  const { min, max } = columns(wave, whole, width, nFrames);
  const gain = height / 2 / wave.peak;
  const middle = y + height / 2;
  context.fillStyle = theme.waveform;
  context.globalAlpha = 0.7;
  for (let x = 0; x < min.length; x++) {
    if (!Number.isNaN(min[x])) context.fillRect(x, middle - max[x] * gain, 1, Math.max(1, (max[x] - min[x]) * gain));
  }
  context.globalAlpha = 1;
}

/** @param {CanvasRenderingContext2D} context @param {FullScene} scene @param {Band} bar @param {View} whole */
function drawKeyframeTicks(context, { shown, width, theme, ratio, playhead }, { y, height }, whole) {
  const cells = new Map();
  for (const { frame, kind } of shown?.keyframes ?? []) {
    const x = frameToX(frame, whole, width);
    cells.set(Math.round((x - MARGIN) / CELL_PX), { x, kind });
  }
  context.globalAlpha = cells.size * 8 > width ? 0.6 : 1; // so many would outshine everything else
  for (const { x, kind } of cells.values()) {
    context.fillStyle = theme.kinds[kind];
    context.fillRect(snapToPixel(x, ratio), y + 1, hairline(ratio), height - 2);
  }
  context.globalAlpha = 1;
  if (playhead !== null && playhead !== undefined) {
    context.fillStyle = theme.playhead;
    context.fillRect(
      snapToPixel(frameToX(playhead, whole, width), ratio, 1.5),
      y - 2,
      hairline(ratio, 1.5),
      height + 4,
    );
  }
}
