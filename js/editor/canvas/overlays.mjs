// @ts-check
// What moves over the timeline: playhead, pointer, the box of a selection, and the message of an empty one.

import { isMissing } from "./images.mjs";
import { MARKER_ZONE } from "./keyframes.mjs";
import { snapToPixel, hairline } from "./waveform.mjs";
import { frameToX } from "./geometry.mjs";
import { chipAt, drawChip, fontOf, wrapped } from "./labels.mjs";
import { label } from "../plan/timebase.mjs";
import { say } from "../words.mjs";

/** @import { FullScene } from "./draw.mjs" */

const NO_SOUND = "Connect the sound and a curve, then run: they appear here.";
const LINE_HEIGHT = 17;
const MOST_LETTERS = 40; // of a prompt, or of the name of an image, in a hint

/** What a dragged keyframe sticks to, in the words of the help page. @type {Record<string, string>} */
const SNAPPED_TO = { onset: "strike", candidate: "weak strike" };

/**
 * Draws the line where playing is.
 * @param {CanvasRenderingContext2D} context @param {FullScene} scene
 */
export function drawPlayhead(context, { boxes, view, width, playhead, theme, ratio }) {
  if (playhead === null || !Number.isFinite(playhead)) return;
  const x = frameToX(playhead, view, width);
  const top = boxes.ruler.y + boxes.ruler.height;
  const height = boxes.keys.y + MARKER_ZONE - top; // not through the numbers
  context.globalAlpha = 0.55;
  context.fillStyle = theme.panel; // a seam that keeps it apart from stems and waveform
  context.fillRect(x - 2.25, top, 4.5, height);
  context.globalAlpha = 1;
  context.fillStyle = theme.playhead;
  context.fillRect(snapToPixel(x, ratio, 1.5), top, hairline(ratio, 1.5), height);
}

/**
 * A hairline under the pointer.
 * @param {CanvasRenderingContext2D} context @param {FullScene} scene
 */
export function drawHover(context, { boxes, view, width, nFrames, hover, theme, ratio }) {
  if (!hover || hover.part === "overview") return;
  const frame = hover.frame ?? Math.round(hover.at);
  if (frame < 0 || frame > nFrames) return;
  const top = boxes.ruler.y + boxes.ruler.height;
  context.fillStyle = theme.dim;
  context.globalAlpha = 0.55;
  context.fillRect(snapToPixel(frameToX(frame, view, width), ratio), top, hairline(ratio), boxes.keys.y - top);
  context.globalAlpha = 1;
}

/**
 * What the keyframe under the pointer is, or while one is dragged, that one: "peak · frame 12 · 0.50 s".
 * @param {CanvasRenderingContext2D} context @param {FullScene} scene
 */
export function drawHint(
  context,
  { boxes, view, width, fps, unit, shown, previewPlan, selection, focus, hover, snapTo, images, theme },
) {
  const dragged = focus ?? (selection.size === 1 ? [...selection][0] : null);
  const frame = previewPlan ? dragged : hover?.frame;
  const keyframe = shown?.keyframes.find((one) => one.frame === frame);
  if (!keyframe || boxes.wave.height < 40) return;
  const time = label(keyframe.frame, unit === "timecode" ? "timecode" : "seconds", fps);
  /** @type {[string, string][]} */
  const parts = [
    [say(keyframe.kind), theme.kinds[keyframe.kind]],
    [` · ${say(`frame ${frame}`)} · ${time}`, theme.text],
    [keyframe.locked ? ` · ${say("locked")}` : "", theme.dim],
    [keyframe.prompt ? ` · “${shortened(keyframe.prompt)}”` : "", theme.text],
    [keyframe.image ? ` · ${shortened(keyframe.image)}` : "", theme.text],
    [keyframe.image && isMissing(images?.get(keyframe.frame)) ? say(" is missing") : "", theme.text],
    [previewPlan && snapTo && snapTo !== "frame" ? ` · ${say(SNAPPED_TO[snapTo] ?? snapTo)}` : "", theme.text],
  ];
  context.font = fontOf(theme, 11, 500);
  const chip = chipAt(context, parts, frameToX(keyframe.frame, view, width), width);
  drawChip(context, chip, { y: boxes.keys.y - 25, height: 20, fill: theme.chip, line: theme.line });
}

/**
 * Words as a hint has them, in one line.
 * @param {string} words @returns {string}
 */
function shortened(words) {
  const letters = [...words.trim().replace(/\s+/g, " ")];
  return letters.length <= MOST_LETTERS ? letters.join("") : `${letters.slice(0, MOST_LETTERS - 1).join("")}…`;
}

/**
 * The place that a dragged keyframe sticks to.
 * @param {CanvasRenderingContext2D} context @param {FullScene} scene
 */
export function drawSnapMark(context, { boxes, view, width, snapMark, theme, ratio }) {
  if (snapMark === null || !Number.isFinite(snapMark)) return;
  const x = frameToX(snapMark, view, width);
  context.fillStyle = theme.accentFaint;
  context.fillRect(x - 4, boxes.wave.y, 8, boxes.wave.height);
  context.fillStyle = theme.accent;
  context.fillRect(snapToPixel(x, ratio), boxes.wave.y, hairline(ratio), boxes.wave.height);
  context.beginPath();
  context.moveTo(x - 5, boxes.wave.y);
  context.lineTo(x + 5, boxes.wave.y);
  context.lineTo(x, boxes.wave.y + 7);
  context.fill();
}

/**
 * Draws the box of a selection that is being made.
 * @param {CanvasRenderingContext2D} context @param {FullScene} scene
 */
export function drawBox(context, { boxes, box, theme }) {
  if (!box) return;
  const [left, right] = [Math.min(box.x0, box.x1), Math.max(box.x0, box.x1)];
  const top = boxes.wave.y + 1;
  const height = boxes.keys.y + boxes.keys.height - top - 2;
  context.fillStyle = theme.accentFaint;
  context.fillRect(left, top, right - left, height);
  context.strokeStyle = theme.accent;
  context.lineWidth = 1;
  context.strokeRect(left + 0.5, top + 0.5, Math.max(0, right - left - 1), height - 1);
}

/**
 * What is missing where neither sound nor curve is known, in the middle, on a quiet panel.
 * @param {CanvasRenderingContext2D} context @param {FullScene} scene
 */
export function drawNoSound(context, { boxes, width, wave, curve, shown, theme, noSound = NO_SOUND }) {
  if (!shown || wave || curve) return;
  context.font = fontOf(theme, 11.5);
  const lines = say(noSound)
    .split("\n")
    .flatMap((line) => wrapped(context, line, Math.min(width - 64, 440)));
  const wide = Math.max(...lines.map((line) => context.measureText(line).width)) + 28;
  const tall = lines.length * LINE_HEIGHT + 14;
  const middle = boxes.images.y + (boxes.images.height + boxes.wave.height) / 2;
  context.globalAlpha = 0.86;
  context.fillStyle = theme.panel;
  context.beginPath();
  context.roundRect((width - wide) / 2, middle - tall / 2, wide, tall, 6);
  context.fill();
  context.globalAlpha = 1;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillStyle = theme.dim;
  for (const [i, line] of lines.entries()) {
    context.fillText(line, width / 2, middle + (i - (lines.length - 1) / 2) * LINE_HEIGHT);
  }
}
