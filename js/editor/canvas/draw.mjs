// @ts-check
// Draws the editor: everything that is seen, from what is known at this moment. Nothing is kept between two drawings.

import { drawMarkers, drawStems, keyframesToDraw } from "./keyframes.mjs";
import { drawBox, drawHint, drawHover, drawNoSound, drawPlayhead, drawSnapMark } from "./overlays.mjs";
import { drawOverview } from "./overview.mjs";
import { drawImages } from "./images.mjs";
import { drawNoteHint, drawNotes } from "./notes.mjs";
import { drawLoop, drawRuler } from "./ruler.mjs";
import { drawWave, hairline } from "./waveform.mjs";
import { frameToX, layout } from "./geometry.mjs";

/** @import { Plan } from "../plan/plan.mjs" */
/** @import { Unit } from "../plan/timebase.mjs" */
/** @import { Boxes, Hit, View } from "./geometry.mjs" */
/** @import { Levels } from "./levels.mjs" */
/** @import { FrameNote } from "./notes.mjs" */
/** @import { Theme } from "./theme.mjs" */

export { KIND_SHAPES } from "./shapes.mjs";

/**
 * @typedef {Object} Scene
 * @property {number} width in pixels @property {number} height in pixels
 * @property {number} ratio pixels of the canvas per pixel of width and height
 * @property {View} view @property {number} nFrames @property {number} fps @property {Unit} unit
 * @property {Plan | null} plan of the text @property {Plan | null} previewPlan the plan being dragged
 * @property {Set<number>} selection frames of `previewPlan` where there is one, else of `plan`
 * @property {number | null} focus the keyframe that the keyboard acts on; a frame like those of selection
 * @property {Hit | null} hover @property {number | null} playhead in frames (float)
 * @property {[number, number] | null} loop in frames @property {{ x0: number, x1: number } | null} box in pixels
 * @property {Levels | null} wave @property {Float32Array | null} curve scores in [0, 1], evenly over nFrames
 * @property {number[]} onsets frames of clear strikes @property {number[]} [candidates] frames of weaker ones
 * @property {number[]} beats frames
 * @property {Map<number, CanvasImageSource>} images by frame
 * @property {FrameNote[]} [notes] in order of time @property {string} [notesProblem] why there are none to be seen
 * @property {Theme} theme @property {number | null} snapMark a frame
 * @property {string | null} [snapTo] what is there
 * @property {string} [noSound] text in the place of sound and curve where there are none
 * @property {Boxes} [boxes] of `layout`, when the caller has it
 */
/** @typedef {Scene & { boxes: Boxes, shown: Plan | null, notes: FrameNote[] }} FullScene shown: the plan that is drawn */

/**
 * Draws a scene on a 2D context whose canvas is width * ratio by height * ratio pixels.
 * @param {CanvasRenderingContext2D} context @param {Scene} scene
 */
export function draw(context, scene) {
  const { width, height, ratio, notes = [] } = scene;
  const has = { hasImages: scene.images?.size > 0, hasNotes: notes.length > 0 || Boolean(scene.notesProblem) };
  const boxes = scene.boxes ?? layout(width, height, has);
  const shown = scene.previewPlan ?? scene.plan;
  const full = { ...scene, boxes, notes, shown, selection: scene.selection ?? new Set() };
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  drawBands(context, full);
  drawWave(context, full);
  drawLoop(context, full);
  drawRuler(context, full);
  drawNotes(context, full);
  drawHover(context, full);
  drawSnapMark(context, full);
  const keyframes = keyframesToDraw(full);
  drawStems(context, full, keyframes);
  drawImages(context, full);
  drawPlayhead(context, full);
  drawMarkers(context, full, keyframes);
  drawBox(context, full);
  drawOverview(context, full);
  drawNoSound(context, full);
  drawHint(context, full);
  drawNoteHint(context, full);
}

/** @param {CanvasRenderingContext2D} context @param {FullScene} scene */
function drawBands(context, { width, height, ratio, boxes, theme, view, nFrames }) {
  context.fillStyle = theme.panel;
  context.fillRect(0, 0, width, height);
  context.fillStyle = theme.raised;
  for (const { y, height: tall } of [boxes.ruler, boxes.keys]) context.fillRect(0, y, width, tall);

  context.fillStyle = theme.outside;
  const [start, end] = [frameToX(0, view, width), frameToX(nFrames, view, width)];
  const below = boxes.keys.y + boxes.keys.height;
  if (start > 0) context.fillRect(0, 0, start, below);
  if (end < width) context.fillRect(end, 0, width - end, below);

  context.fillStyle = theme.line;
  for (const y of [boxes.wave.y, boxes.images.y, boxes.notes.y, boxes.keys.y, boxes.overview.y]) {
    context.fillRect(0, Math.round((y - 1) * ratio) / ratio, width, hairline(ratio));
  }
}
