// What moves over the timeline: playhead, pointer, the box of a selection, and the sentence of an empty one.

import { crisp } from "./drawing_wave.mjs";
import { frameToX } from "./geometry.mjs";
import { drawChip, fontOf, wrapped } from "./labels.mjs";
import { label } from "./timebase.mjs";

export function drawPlayhead(context, { boxes, view, width, playhead, theme, ratio }) {
  if (playhead === null || playhead === undefined) return;
  const x = frameToX(playhead, view, width);
  if (x < -8 || x > width + 8) return;
  const top = boxes.ruler.y + 10;
  context.fillStyle = theme.panel;
  context.globalAlpha = 0.5;
  context.fillRect(x - 2, boxes.ruler.height, 4, boxes.keys.y + boxes.keys.height - boxes.ruler.height);
  context.globalAlpha = 1;
  context.fillStyle = theme.playhead;
  context.fillRect(Math.round((x - 0.75) * ratio) / ratio, top, 1.5, boxes.keys.y + boxes.keys.height - top);
  context.beginPath();
  context.moveTo(x - 6, top);
  context.lineTo(x + 6, top);
  context.lineTo(x + 6, top + 6);
  context.lineTo(x, top + 13);
  context.lineTo(x - 6, top + 6);
  context.closePath();
  context.fill();
}

/** A hair line under the pointer with its frame in the ruler; on a keyframe, what it is. */
export function drawHover(context, { boxes, view, width, nFrames, hover, unit, fps, theme, ratio }) {
  if (!hover || hover.part === "overview") return;
  const frame = hover.frame ?? Math.round(hover.at);
  if (frame < 0 || frame > nFrames) return;
  const x = frameToX(frame, view, width);
  context.fillStyle = theme.dim;
  context.globalAlpha = 0.6;
  context.fillRect(crisp(x, ratio), boxes.ruler.height, 1, boxes.wave.y + boxes.wave.height - boxes.ruler.height);
  context.globalAlpha = 1;
  const parts = [[label(frame, unit, fps), theme.text]];
  drawChip(context, { parts, x, y: 3, width, height: 17, font: fontOf(theme, 10.5, 600), fill: theme.chip, line: theme.line });
}

/** The place that a dragged keyframe sticks to. */
export function drawSnapMark(context, { boxes, view, width, snapMark, theme, ratio }) {
  if (snapMark === null || snapMark === undefined) return;
  const x = frameToX(snapMark, view, width);
  context.fillStyle = theme.accentFaint;
  context.fillRect(x - 4, boxes.wave.y, 8, boxes.wave.height);
  context.fillStyle = theme.accent;
  context.fillRect(crisp(x, ratio), boxes.ruler.height, 1, boxes.keys.y - boxes.ruler.height);
}

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

/** A sentence in the middle of the waveform's band, in as many lines as it takes. */
export function drawMessage(context, { boxes, width, message, theme }) {
  if (!message) return;
  context.font = fontOf(theme, 12);
  context.textAlign = "center";
  context.textBaseline = "middle";
  const lines = message.split("\n").flatMap((line) => wrapped(context, line, Math.min(width - 48, 460)));
  const lineHeight = 17;
  const middle = boxes.pictures.y + (boxes.pictures.height + boxes.wave.height) / 2;
  context.fillStyle = theme.text;
  lines.forEach((line, i) => context.fillText(line, width / 2, middle + (i - (lines.length - 1) / 2) * lineHeight));
}
