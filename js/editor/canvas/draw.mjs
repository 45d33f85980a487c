// Draws the editor: everything that is seen, from what is known at this moment. Nothing is kept between two drawings.

import { drawMarkers, drawStems, keyframesToDraw } from "./keyframes.mjs";
import { drawBox, drawHint, drawHover, drawNoSound, drawPlayhead, drawSnapMark } from "./overlays.mjs";
import { drawOverview } from "./overview.mjs";
import { drawImages } from "./images.mjs";
import { drawLoop, drawRuler } from "./ruler.mjs";
import { drawWave, hairline } from "./waveform.mjs";
import { frameToX, layout } from "./geometry.mjs";

export { KIND_SHAPES } from "./shapes.mjs";

/**
 * @typedef {Object} Scene
 * @property {number} width In pixels. @property {number} height In pixels.
 * @property {string} [noSound] What stands in the place of sound and curve where there are none.
 * @property {number} ratio Pixels of the canvas per pixel of width and height.
 * @property {{first: number, span: number}} view In frames.
 * @property {number} nFrames @property {number} fps @property {"frames"|"seconds"|"timecode"} unit
 * @property {Object|null} plan The plan of the text. @property {Object|null} previewPlan The plan being dragged, or null.
 * @property {Set<number>} selection Frames of `previewPlan` where there is one, else of `plan`.
 * @property {number|null} focus The keyframe that the keyboard acts on; a frame like those of selection.
 * @property {Object|null} hover What `hit` of geometry.mjs told.
 * @property {number|null} playhead In frames (float). @property {[number, number]|null} loop In frames.
 * @property {{x0: number, x1: number}|null} box In pixels.
 * @property {Object|null} wave Of `levelsOf`.
 * @property {Float32Array|null} curve Scores in [0, 1], evenly over nFrames.
 * @property {number[]} onsets Frames. @property {number[]} beats Frames.
 * @property {Map<number, CanvasImageSource>} images By frame.
 * @property {Object} theme Of `readTheme`. @property {number|null} snapMark A frame.
 * @property {string|null} [snapTo] What is there, as `snap` told.
 * @property {Object} [boxes] Of `layout`, when the caller has it.
 */

/** Draws a scene on a 2D context whose canvas is width * ratio by height * ratio pixels. @param {Scene} scene */
export function draw(context, scene) {
  const { width, height, ratio } = scene;
  const boxes = scene.boxes ?? layout(width, height, { hasImages: scene.images?.size > 0 });
  const full = { ...scene, boxes, shown: scene.previewPlan ?? scene.plan, selection: scene.selection ?? new Set() };
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  drawBands(context, full);
  drawWave(context, full);
  drawLoop(context, full);
  drawRuler(context, full);
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
}

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
  for (const y of [boxes.wave.y, boxes.images.y, boxes.keys.y, boxes.overview.y]) {
    context.fillRect(0, Math.round((y - 1) * ratio) / ratio, width, hairline(ratio));
  }
}
