// @ts-check
// The keyframes: a stem through the waveform, a marker below it, and its number where there is room.

import { snapToPixel, curveY, hairline, scoreAt } from "./waveform.mjs";
import { frameList, frameToX, scaleOf, visible } from "./geometry.mjs";
import { fontOf, freeRow } from "./labels.mjs";
import { fillPadlock, traceBubble, traceShape } from "./shapes.mjs";
import { label } from "../plan/timebase.mjs";

/** @import { FullScene } from "./draw.mjs" */
/** @import { Theme } from "./theme.mjs" */

/** @typedef {{ frame: number, kind: string, locked: boolean, hasWords: boolean, x: number }} Marked a keyframe, with its x in pixels */
/** @typedef {{ keyframe: Marked, isSelected: boolean }} Cell several that share a few pixels, by the one that matters most */
/** @typedef {{ whole: Marked[], cells: Cell[], radius: number }} Drawn */

const [SMALLEST, LARGEST] = [4.5, 7]; // radius of a marker in pixels
const BARS_PX = 7; // mean distance in pixels below which markers give way to bars
const CELL_PX = 3; // bars: one per so many pixels, so that drawing a thousand keyframes costs what fits on the screen
/** @type {Record<string, [number, number]>} */
const BAR_REACH = { first: [-10, 10], manual: [-10, 10], peak: [-10, 3], valley: [-3, 10], fill: [-3, 3] }; // pixels
const RANK = ["fill", "valley", "peak", "manual", "first"]; // which one is seen where they fall together

// below the top of their band, in pixels
const MARKER_Y = 16;
const LABEL_Y = 37;
/** Where the markers end and the numbers begin. */
export const MARKER_ZONE = 25;

/**
 * What of the plan is drawn (scene.previewPlan where something is dragged, else scene.plan): {whole, cells, radius}.
 *
 * whole: keyframes with marker and stem, the topmost last; cells: those drawn as bars, where they are too many.
 * @param {FullScene} scene @returns {Drawn}
 */
export function keyframesToDraw(scene) {
  const { keyframes, gap } = seenKeyframes(scene);
  const radius = Math.max(SMALLEST, Math.min(LARGEST, gap * 0.42)); // pixels
  if (gap >= BARS_PX) return { whole: inOrder(keyframes, scene), cells: [], radius };
  const marked = keyframes.filter((keyframe) => isMarked(keyframe, scene));
  const isFew = marked.length * BARS_PX <= scene.width;
  const whole = isFew ? marked : marked.filter((keyframe) => isUnderHand(keyframe, scene));
  return { whole: inOrder(whole, scene), cells: thinned(keyframes, scene), radius };
}

/**
 * All that the playhead passes over.
 * @param {CanvasRenderingContext2D} context @param {FullScene} scene @param {Drawn} drawn
 */
export function drawStems(context, scene, { whole, cells }) {
  drawGround(context, scene);
  drawBars(context, scene, cells);
  if (scene.previewPlan) drawLeftBehind(context, scene);
  for (const keyframe of whole) drawStem(context, scene, keyframe);
}

/**
 * All that is drawn over the playhead.
 * @param {CanvasRenderingContext2D} context @param {FullScene} scene @param {Drawn} drawn
 */
export function drawMarkers(context, scene, { whole, radius }) {
  for (const keyframe of whole) drawMarker(context, scene, keyframe, radius);
  drawLabels(context, scene, whole);
}

/**
 * The keyframes in view with their x in pixels, and their mean distance.
 * @param {FullScene} scene @returns {{ keyframes: Marked[], gap: number }}
 */
function seenKeyframes({ shown, view, width }) {
  const keyframesShown = shown?.keyframes ?? [];
  const [first, last] = visible(frameList(shown), view, 30 / scaleOf(view, width));
  const keyframes = [];
  for (let i = first; i < last; i++) {
    const { frame, kind, locked, prompt } = keyframesShown[i];
    keyframes.push({ frame, kind, locked, hasWords: Boolean(prompt), x: frameToX(frame, view, width) });
  }
  return { keyframes, gap: width / Math.max(1, keyframes.length) };
}

/** @param {Marked} keyframe @param {FullScene} scene @returns {boolean} */
function isUnderHand({ frame }, { focus, hover }) {
  return frame === focus || frame === hover?.frame;
}

/** @param {Marked} keyframe @param {FullScene} scene @returns {boolean} */
function isMarked(keyframe, scene) {
  return scene.selection.has(keyframe.frame) || isUnderHand(keyframe, scene);
}

/**
 * Those that matter to the hand last, so that they are on top.
 * @param {Marked[]} keyframes @param {FullScene} scene @returns {Marked[]}
 */
function inOrder(keyframes, scene) {
  const rankOf = (/** @type {Marked} */ keyframe) =>
    RANK.indexOf(keyframe.kind) + (isMarked(keyframe, scene) ? RANK.length : 0);
  const ranked = keyframes.map((keyframe) => ({ keyframe, rank: rankOf(keyframe) }));
  return ranked.sort((a, b) => a.rank - b.rank).map(({ keyframe }) => keyframe);
}

/**
 * One keyframe for each few pixels, the one that matters most; selected when any of them is.
 * @param {Marked[]} keyframes @param {FullScene} scene @returns {Cell[]}
 */
function thinned(keyframes, { selection }) {
  const cells = new Map();
  for (const keyframe of keyframes) {
    const number = Math.round(keyframe.x / CELL_PX);
    const cell = cells.get(number) ?? { keyframe, isSelected: false };
    if (RANK.indexOf(keyframe.kind) > RANK.indexOf(cell.keyframe.kind)) cell.keyframe = keyframe;
    cell.isSelected ||= selection.has(keyframe.frame);
    cells.set(number, cell);
  }
  return [...cells.values()];
}

/**
 * Far out: a bar per keyframe, up for a peak, down for a valley, short for a fill, whole for one set by hand.
 * @param {CanvasRenderingContext2D} context @param {FullScene} scene @param {Cell[]} cells
 */
function drawBars(context, { boxes, theme, ratio }, cells) {
  const middle = boxes.keys.y + MARKER_Y;
  context.fillStyle = theme.selected;
  for (const [left, right] of selectedRuns(cells)) context.fillRect(left - 2, middle - 13, right - left + 4, 26);
  for (const kind of RANK) {
    const ofKind = cells.filter(({ keyframe }) => keyframe.kind === kind);
    const [up, down] = BAR_REACH[kind];
    context.fillStyle = theme.kinds[kind];
    for (const { keyframe } of ofKind)
      context.fillRect(snapToPixel(keyframe.x, ratio, 1.5), middle + up, hairline(ratio, 1.5), down - up);
    context.globalAlpha = 0.16;
    for (const { keyframe } of ofKind)
      context.fillRect(snapToPixel(keyframe.x, ratio), boxes.wave.y, hairline(ratio), boxes.wave.height);
    context.globalAlpha = 1;
  }
}

/**
 * [left, right] in pixels of each run of neighbours that are selected.
 * @param {Cell[]} cells @returns {[number, number][]}
 */
function selectedRuns(cells) {
  /** @type {[number, number][]} */
  const runs = [];
  cells.forEach(({ keyframe, isSelected }, i) => {
    if (!isSelected) return;
    if (i && cells[i - 1].isSelected) runs[runs.length - 1][1] = keyframe.x;
    else runs.push([keyframe.x, keyframe.x]);
  });
  return runs;
}

/**
 * Where the video begins, hatched ground: nothing is before frame 0, and it cannot be moved.
 * @param {CanvasRenderingContext2D} context @param {FullScene} scene
 */
function drawGround(context, { boxes, view, width, theme }) {
  const x = frameToX(0, view, width);
  if (x <= 0) return;
  const { y, height } = boxes.keys;
  context.save();
  context.beginPath();
  context.rect(0, y + 1, x, height - 2);
  context.clip();
  context.strokeStyle = theme.gridStrong;
  context.lineWidth = 1;
  context.beginPath();
  for (let left = -height; left < x; left += 5) {
    context.moveTo(left, y + height);
    context.lineTo(left + height, y);
  }
  context.stroke();
  context.restore();
}

/**
 * Hollow outlines of where dragged keyframes came from.
 * @param {CanvasRenderingContext2D} context @param {FullScene} scene
 */
function drawLeftBehind(context, { boxes, plan, previewPlan, view, width, theme }) {
  const still = new Set(frameList(previewPlan));
  context.globalAlpha = 0.75;
  context.setLineDash([2.5, 2]);
  context.lineWidth = 1.25;
  for (const { frame, kind } of plan?.keyframes ?? []) {
    if (still.has(frame)) continue;
    context.strokeStyle = theme.kinds[kind];
    traceShape(context, kind, frameToX(frame, view, width), boxes.keys.y + MARKER_Y, LARGEST);
    context.stroke();
  }
  context.setLineDash([]);
  context.globalAlpha = 1;
}

/** @param {CanvasRenderingContext2D} context @param {FullScene} scene @param {Marked} keyframe */
function drawStem(context, scene, { x, kind, frame }) {
  const { boxes, theme, ratio, selection, focus } = scene;
  const top = boxes.wave.y - (boxes.images.height ? 3 : 0); // up to the image
  const isStrong = selection.has(frame) || frame === focus;
  const wide = isStrong || kind === "first" ? 2 : 1;
  context.fillStyle = theme.kinds[kind];
  context.globalAlpha = isStrong ? 1 : kind === "fill" ? 0.45 : 0.7;
  context.fillRect(snapToPixel(x, ratio, wide), top, hairline(ratio, wide), boxes.keys.y + MARKER_Y - top);
  context.globalAlpha = 1;
  const score = scoreAt(scene, frame);
  if (score === null) return;
  context.beginPath();
  context.arc(x, curveY(boxes.wave, score), 2.75, 0, 2 * Math.PI);
  context.fill();
  context.strokeStyle = theme.panel;
  context.lineWidth = 1;
  context.stroke();
}

/**
 * @param {CanvasRenderingContext2D} context @param {FullScene} scene @param {Marked} keyframe @param {number} radius
 */
function drawMarker(context, { boxes, theme, selection, focus, hover }, keyframe, radius) {
  const { x, kind, frame, locked } = keyframe;
  const y = boxes.keys.y + MARKER_Y;
  if (selection.has(frame))
    tile(context, x, y, radius + 5, { fill: theme.selected, line: theme.selectedLine, wide: 1 });
  if (frame === focus) tile(context, x, y, radius + 7.5, { line: theme.accent, wide: 2 });
  const full = radius * (hover?.frame === frame ? 1.18 : 1);
  context.lineJoin = "round";
  if (locked) {
    context.beginPath();
    context.arc(x, y, full * 1.36, 0, 2 * Math.PI);
    outlined(context, theme.kinds[kind], theme.raised);
  }
  traceShape(context, kind, x, y, locked ? full * 0.72 : full);
  outlined(context, theme.kinds[kind], theme.raised);
  context.fillStyle = theme.kinds[kind];
  context.fill();
  if (keyframe.hasWords) drawBubble(context, theme, x + full + 2, y - full - 2);
}

/**
 * The mark of a keyframe with a prompt.
 * @param {CanvasRenderingContext2D} context @param {Theme} theme @param {number} x @param {number} y
 */
function drawBubble(context, theme, x, y) {
  traceBubble(context, x, y, 8);
  context.strokeStyle = theme.raised;
  context.lineWidth = 2.5;
  context.stroke();
  context.fillStyle = theme.text;
  context.fill();
}

/**
 * Strokes the path in a colour, and around that in the ground's, which sets it apart from stems and neighbours.
 * @param {CanvasRenderingContext2D} context @param {string} colour @param {string} ground
 */
function outlined(context, colour, ground) {
  context.strokeStyle = ground;
  context.lineWidth = 4.5;
  context.stroke();
  context.strokeStyle = colour;
  context.lineWidth = 1.5;
  context.stroke();
}

/**
 * @param {CanvasRenderingContext2D} context @param {number} x @param {number} y @param {number} half
 * @param {{ fill?: string, line: string, wide: number }} look
 */
function tile(context, x, y, half, { fill, line, wide }) {
  context.beginPath();
  context.roundRect(x - half, y - half, 2 * half, 2 * half, 5);
  if (fill) {
    context.fillStyle = fill;
    context.fill();
  }
  context.strokeStyle = line;
  context.lineWidth = wide;
  context.stroke();
}

/**
 * Numbers below the markers: first those under the pointer, then from left to right while there is room.
 * @param {CanvasRenderingContext2D} context @param {FullScene} scene @param {Marked[]} keyframes
 */
function drawLabels(context, scene, keyframes) {
  const { boxes, width, unit, fps, theme } = scene;
  const claim = freeRow(width);
  const y = boxes.keys.y + LABEL_Y;
  context.textBaseline = "middle";
  context.textAlign = "left";
  const isStrong = (/** @type {Marked} */ keyframe) => isMarked(keyframe, scene);
  const strong = keyframes.filter(isStrong).reverse();
  const others = keyframes.filter((keyframe) => !isStrong(keyframe)).sort((a, b) => a.x - b.x);
  [...strong, ...others].forEach(({ frame, locked, x }, i) => {
    if (x < 0 || x > width) return;
    context.font = fontOf(theme, 10.5, i < strong.length ? 600 : 400);
    const text = label(frame, unit, fps);
    const lock = locked ? 10 : 0; // pixels of the padlock
    const wide = context.measureText(text).width + lock;
    const left = Math.min(width - wide - 2, Math.max(2, x - wide / 2));
    if (!claim(left - 3, left + wide + 3)) return;
    context.fillStyle = i < strong.length ? theme.text : theme.dim;
    if (lock) fillPadlock(context, left + 3.5, y - 0.5, 9);
    context.fillText(text, left + lock, y + 0.5);
  });
}
