// @ts-check
// The ruler above everything: its figures, where playhead and pointer are, and the loop that is set on it.

import { MARKER_ZONE } from "./keyframes.mjs";
import { snapToPixel, hairline } from "./waveform.mjs";
import { frameToX } from "./geometry.mjs";
import { chipAt, drawChip, fontOf, freeRow } from "./labels.mjs";
import { ticks } from "./ticks.mjs";
import { label } from "../plan/timebase.mjs";

/** @import { FullScene } from "./draw.mjs" */

const CHIP = { y: 2, height: 17 };
const LOOP_BAR = 3;

/**
 * Figures give way to the chips of playhead and pointer, and the pointer's chip to the playhead's.
 * @param {CanvasRenderingContext2D} context @param {FullScene} scene
 */
export function drawRuler(context, scene) {
  const { boxes, view, width, nFrames, unit, fps, theme, ratio } = scene;
  const bottom = boxes.ruler.y + boxes.ruler.height;
  const claim = freeRow(width);
  const marks = ticks(view, width, unit, fps).filter(({ frame }) => frame <= nFrames);
  for (const { frame, major } of marks) {
    context.fillStyle = major ? theme.dim : theme.line;
    const length = major ? 8 : 4;
    context.fillRect(snapToPixel(frameToX(frame, view, width), ratio), bottom - 1 - length, hairline(ratio), length);
  }
  drawPlayheadChip(context, scene, claim);
  drawHoverChip(context, scene, claim);
  context.font = fontOf(theme, 10.5);
  context.textBaseline = "middle";
  context.textAlign = "left";
  context.fillStyle = theme.dim;
  for (const { frame, label: text } of marks) {
    if (!text) continue;
    const left = frameToX(frame, view, width) + 4;
    const right = left + context.measureText(text).width;
    if (left > 0 && right < width - 2 && claim(left - 2, right + 4)) context.fillText(text, left, boxes.ruler.y + 10.5);
  }
}

/**
 * @param {CanvasRenderingContext2D} context @param {FullScene} scene
 * @param {(left: number, right: number) => boolean} claim
 */
function drawPlayheadChip(context, { view, width, unit, fps, playhead, theme }, claim) {
  if (playhead === null || !Number.isFinite(playhead)) return;
  const x = frameToX(playhead, view, width);
  if (x < 0 || x > width) return;
  context.font = fontOf(theme, 10.5, 600);
  const chip = chipAt(context, [[label(Math.floor(playhead + 1e-6), unit, fps), theme.onPlayhead]], x, width);
  claim(chip.left - 2, chip.right + 2);
  context.fillStyle = theme.playhead;
  context.beginPath();
  context.moveTo(x - 4.5, CHIP.y + CHIP.height - 1);
  context.lineTo(x + 4.5, CHIP.y + CHIP.height - 1);
  context.lineTo(x, CHIP.y + CHIP.height + 5);
  context.fill();
  drawChip(context, chip, { ...CHIP, fill: theme.playhead });
}

/**
 * @param {CanvasRenderingContext2D} context @param {FullScene} scene
 * @param {(left: number, right: number) => boolean} claim
 */
function drawHoverChip(context, { view, width, nFrames, unit, fps, hover, theme }, claim) {
  if (!hover || hover.part === "overview") return;
  const frame = hover.frame ?? Math.round(hover.at);
  if (frame < 0 || frame > nFrames) return;
  context.font = fontOf(theme, 10.5, 600);
  const chip = chipAt(context, [[label(frame, unit, fps), theme.text]], frameToX(frame, view, width), width);
  if (claim(chip.left - 2, chip.right + 2)) drawChip(context, chip, { ...CHIP, fill: theme.chip, line: theme.line });
}

/**
 * The loop's bar and its two handles on the ruler, and its tint below.
 * @param {CanvasRenderingContext2D} context @param {FullScene} scene
 */
export function drawLoop(context, { boxes, view, width, loop, theme }) {
  if (!loop) return;
  const [left, right] = loop.map((frame) => frameToX(frame, view, width));
  const top = boxes.ruler.y;
  const bottom = boxes.keys.y + boxes.keys.height;
  const edge = boxes.ruler.y + boxes.ruler.height;
  context.fillStyle = theme.accentFaint;
  context.fillRect(left, top, right - left, bottom - top);
  context.fillStyle = theme.accent;
  context.fillRect(left, edge - LOOP_BAR, right - left, LOOP_BAR);
  for (const [x, side] of [
    [left, 1],
    [right, -1],
  ]) {
    context.fillRect(side > 0 ? x : x - 1, edge, 1, boxes.keys.y + MARKER_ZONE - edge);
    context.beginPath();
    context.moveTo(x, edge);
    context.lineTo(x, edge - 11);
    context.lineTo(x + 8 * side, edge - LOOP_BAR);
    context.lineTo(x + 8 * side, edge);
    context.fill();
  }
}
