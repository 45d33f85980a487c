// The keyframes: a stem through the waveform, a marker below it, and its number where there is room.

import { crisp, curveY } from "./drawing_wave.mjs";
import { frameList, frameToX, scaleOf, visible } from "./geometry.mjs";
import { fontOf, freeRow } from "./labels.mjs";
import { fillPadlock, traceShape } from "./shapes.mjs";
import { label } from "./timebase.mjs";

const LARGEST = 7; // radius of a marker in pixels
const BARS_PX = 7; // mean distance below which markers give way to bars
const CELL_PX = 3; // bars: one for so many pixels, so that drawing a thousand keyframes costs what fits on the screen
const MARKER_Y = 16; // centre of the markers below the top of their band
const LABEL_Y = 37;
const RANK = ["fill", "valley", "peak", "manual", "first"]; // which one is seen where bars fall together

export function drawKeyframes(context, scene) {
  const { boxes, width, shown } = scene;
  if (!shown) return;
  const seen = seenKeyframes(scene);
  context.save();
  context.beginPath();
  context.rect(0, boxes.pictures.y, width, boxes.keys.y + boxes.keys.height - boxes.pictures.y);
  context.clip();
  if (scene.ghost) drawLeftBehind(context, scene);
  drawWall(context, scene);
  const isDense = seen.gap < BARS_PX;
  const special = seen.keyframes.filter((keyframe) => isMarked(keyframe, scene));
  const bars = isDense ? thinned(seen.keyframes, scene) : [];
  if (isDense) drawBars(context, scene, bars);
  const whole = isDense ? special.slice(0, Math.ceil(width / BARS_PX)) : inOrder(seen.keyframes, scene);
  const radius = Math.max(4.5, Math.min(LARGEST, seen.gap * 0.42));
  drawStems(context, scene, whole);
  for (const keyframe of whole) drawMarker(context, scene, keyframe, radius);
  drawLabels(context, scene, whole);
  context.restore();
}

/** The keyframes in view with their x in pixels, and their mean distance. */
function seenKeyframes({ shown, view, width }) {
  const [first, last] = visible(frameList(shown), view, 30 / scaleOf(view, width));
  const keyframes = [];
  for (let i = first; i < last; i++) {
    const keyframe = shown.keyframes[i];
    keyframes.push({ ...keyframe, x: frameToX(keyframe.frame, view, width) });
  }
  return { keyframes, gap: width / Math.max(1, keyframes.length) };
}

function isMarked({ frame }, { selection, focus, hover }) {
  return selection.has(frame) || frame === focus || (hover?.part === "key" && frame === hover.frame);
}

/** Those that matter to the hand last, so that they lie on top. */
function inOrder(keyframes, scene) {
  return [...keyframes].sort((a, b) => isMarked(a, scene) - isMarked(b, scene) || RANK.indexOf(a.kind) - RANK.indexOf(b.kind));
}

/** One keyframe for each few pixels, the one that matters most. */
function thinned(keyframes) {
  const cells = new Map();
  for (const keyframe of keyframes) {
    const cell = Math.round(keyframe.x / CELL_PX);
    const other = cells.get(cell);
    if (!other || RANK.indexOf(keyframe.kind) > RANK.indexOf(other.kind)) cells.set(cell, keyframe);
  }
  return [...cells.values()];
}

/** Far out: a bar per keyframe, up for a peak, down for a valley, short for a fill, whole for one set by hand. */
function drawBars(context, { boxes, theme, ratio }, keyframes) {
  const middle = boxes.keys.y + MARKER_Y;
  const reach = { first: [-10, 10], manual: [-10, 10], peak: [-10, 3], valley: [-3, 10], fill: [-3, 3] };
  for (const kind of RANK) {
    const [up, down] = reach[kind];
    const ofKind = keyframes.filter((keyframe) => keyframe.kind === kind);
    context.fillStyle = theme.kinds[kind];
    context.beginPath();
    for (const { x } of ofKind) context.rect(crisp(x - 0.25, ratio), middle + up, 1.5, down - up);
    context.fill();
    context.globalAlpha = 0.16;
    context.beginPath();
    for (const { x } of ofKind) context.rect(crisp(x, ratio), boxes.wave.y, 1, boxes.wave.height);
    context.fill();
    context.globalAlpha = 1;
  }
}

/** Where the video begins: frame 0 stands against a wall. */
function drawWall(context, { boxes, view, width, theme }) {
  const x = frameToX(0, view, width);
  if (x < 0) return;
  context.fillStyle = theme.kinds.first;
  context.fillRect(x - 2, boxes.keys.y + 1, 2, boxes.keys.height - 2);
}

/** Hollow outlines of where dragged keyframes came from. */
function drawLeftBehind(context, { boxes, plan, ghost, view, width, theme }) {
  const still = new Set(frameList(ghost));
  context.setLineDash([2, 2]);
  context.lineWidth = 1;
  for (const { frame, kind } of plan.keyframes) {
    if (still.has(frame)) continue;
    context.strokeStyle = theme.kinds[kind];
    context.beginPath();
    traceShape(context, kind, frameToX(frame, view, width), boxes.keys.y + MARKER_Y, 6);
    context.stroke();
  }
  context.setLineDash([]);
}

function drawStems(context, scene, keyframes) {
  const { boxes, theme, ratio, curve, selection, focus } = scene;
  const top = boxes.wave.y;
  const bottom = boxes.keys.y + MARKER_Y;
  for (const keyframe of keyframes) {
    const { x, kind, frame } = keyframe;
    const strong = selection.has(frame) || frame === focus;
    context.fillStyle = theme.kinds[kind];
    context.globalAlpha = strong ? 1 : kind === "fill" ? 0.45 : 0.7;
    context.fillRect(crisp(x, ratio) - (strong ? 0.5 : 0), top, strong ? 2 : 1, bottom - top);
    context.globalAlpha = 1;
    if (!curve || frame >= curve.length) continue;
    context.beginPath();
    context.arc(x, curveY(boxes.wave, curve[frame]), 2.75, 0, 2 * Math.PI);
    context.fill();
    context.strokeStyle = theme.panel;
    context.lineWidth = 1;
    context.stroke();
  }
}

function drawMarker(context, scene, keyframe, radius) {
  const { boxes, theme, selection, focus, hover } = scene;
  const { x, kind, frame, locked } = keyframe;
  const y = boxes.keys.y + MARKER_Y;
  const isHovered = hover?.part === "key" && hover.frame === frame;
  if (selection.has(frame)) tile(context, x, y, radius + 5, theme.selected, theme.selectedLine);
  if (frame === focus) tile(context, x, y, radius + 7.5, null, theme.accent, 2);
  const size = (locked ? radius * 0.8 : radius) * (isHovered ? 1.18 : 1);

  context.lineJoin = "round";
  context.beginPath();
  traceShape(context, kind, x, y, size);
  context.strokeStyle = theme.raised;
  context.lineWidth = 5;
  context.stroke(); // sets it apart from stems and from its neighbour
  context.fillStyle = context.strokeStyle = theme.kinds[kind];
  context.lineWidth = 1.5;
  context.stroke();
  context.fill();
  if (locked) {
    context.beginPath();
    context.arc(x, y, radius * 1.45, 0, 2 * Math.PI);
    context.stroke();
  }
}

function tile(context, x, y, half, fill, line, lineWidth = 1) {
  context.beginPath();
  context.roundRect(x - half, y - half, 2 * half, 2 * half, 5);
  if (fill) {
    context.fillStyle = fill;
    context.fill();
  }
  context.strokeStyle = line;
  context.lineWidth = lineWidth;
  context.stroke();
}

/** Numbers below the markers: first those under the hand, then from left to right while there is room. */
function drawLabels(context, scene, keyframes) {
  const { boxes, width, unit, fps, theme } = scene;
  const claim = freeRow(width);
  const y = boxes.keys.y + LABEL_Y;
  context.textBaseline = "middle";
  context.textAlign = "left";
  const marked = keyframes.filter((keyframe) => isMarked(keyframe, scene));
  const others = keyframes.filter((keyframe) => !isMarked(keyframe, scene)).sort((a, b) => a.x - b.x);
  for (const keyframe of [...marked.reverse(), ...others]) {
    const strong = isMarked(keyframe, scene);
    context.font = fontOf(theme, 10.5, strong ? 600 : 400);
    const text = label(keyframe.frame, unit, fps);
    const lock = keyframe.locked ? 10 : 0;
    const wide = context.measureText(text).width + lock;
    const left = Math.min(width - wide - 2, Math.max(2, keyframe.x - wide / 2));
    if (!claim(left - 3, left + wide + 3)) continue;
    context.fillStyle = strong ? theme.text : theme.dim;
    if (lock) fillPadlock(context, left + 3.5, y - 0.5, 9);
    context.fillText(text, left + lock, y + 0.5);
  }
}
