// The ruler above everything, and the loop that is set on it.

import { crisp } from "./drawing_wave.mjs";
import { frameToX } from "./geometry.mjs";
import { fontOf } from "./labels.mjs";
import { ticks } from "./ruler.mjs";

const LOOP_BAR = 4;

export function drawRuler(context, { boxes, view, width, nFrames, unit, fps, theme, ratio }) {
  const bottom = boxes.ruler.y + boxes.ruler.height;
  context.font = fontOf(theme, 10.5);
  context.textBaseline = "middle";
  context.textAlign = "left";
  let free = 0;
  for (const { frame, label, major } of ticks(view, width, unit, fps)) {
    if (frame > nFrames) break;
    const x = frameToX(frame, view, width);
    context.fillStyle = major ? theme.dim : theme.line;
    const length = major ? 9 : 5;
    context.fillRect(crisp(x, ratio), bottom - length, 1, length);
    if (!label) continue;
    const left = x + 4;
    const right = left + context.measureText(label).width;
    if (left < free || left < 2 || right > width - 2) continue;
    context.fillText(label, left, boxes.ruler.y + 11);
    free = right + 6;
  }
}

export function drawLoop(context, { boxes, view, width, loop, theme }) {
  if (!loop) return;
  const [left, right] = loop.map((frame) => frameToX(frame, view, width));
  const top = boxes.ruler.y;
  context.fillStyle = theme.accentFaint;
  context.fillRect(left, top, right - left, boxes.keys.y + boxes.keys.height - top);
  context.fillStyle = theme.accent;
  context.fillRect(left, top, right - left, LOOP_BAR);
  for (const [x, side] of [[left, 1], [right, -1]]) {
    context.beginPath();
    context.moveTo(x, top);
    context.lineTo(x + 9 * side, top);
    context.lineTo(x, top + 14);
    context.fill();
    context.fillRect(side > 0 ? x : x - 1, top, 1, boxes.keys.y + boxes.keys.height - top);
  }
}
