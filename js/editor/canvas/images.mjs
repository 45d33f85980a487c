// @ts-check
// The painted keyframes above their markers, each cut to the room that its neighbours leave.

import { frameToX } from "./geometry.mjs";

/** @import { FullScene } from "./draw.mjs" */

/** @typedef {{ frame: number, image: CanvasImageSource, x: number, wide: number }} Item in pixels; wide: of the whole image */
/** @typedef {Item & { left: number, right: number }} Cut the part that is drawn */

const GAP = 2;
const NARROWEST = 16; // pixels; an image with less room is left out

/**
 * Draws the painted keyframes in their band.
 * @param {CanvasRenderingContext2D} context @param {FullScene} scene
 */
export function drawImages(context, scene) {
  const { boxes, width, images, theme, selection, focus, hover } = scene;
  if (!boxes.images.height || !images?.size) return;
  const band = { top: boxes.images.y + 3, tall: boxes.images.height - 6 };
  const seen = visibleImages(scene, band.tall);
  const kept = cutToRoom(seen, width);
  for (const item of kept) {
    drawImage(context, item, band, selection.has(item.frame) ? theme.text : theme.line);
  }

  // the one under the pointer whole, over its neighbours
  const raised = hover?.frame ?? focus;
  const whole = seen.find(({ frame }) => frame === raised);
  if (!whole) return;
  const left = inside(whole, width);
  context.shadowColor = "rgba(0, 0, 0, 0.5)";
  context.shadowBlur = 6 * scene.ratio;
  context.fillStyle = theme.panel;
  context.fillRect(left, band.top, whole.wide, band.tall);
  context.shadowColor = "transparent";
  drawImage(context, { ...whole, left, right: left + whole.wide }, band, theme.text);
}

/** @param {FullScene} scene @param {number} tall @returns {Item[]} */
function visibleImages({ images, view, width }, tall) {
  const seen = [];
  for (const [frame, image] of images) {
    const [naturalWidth, naturalHeight] = naturalSize(image);
    const wide = (tall * naturalWidth) / naturalHeight;
    const x = frameToX(frame, view, width);
    if (x > -wide / 2 && x < width + wide / 2) seen.push({ frame, image, x, wide });
  }
  return seen.sort((a, b) => a.x - b.x);
}

/**
 * The images that have room, with the left and right that keep neighbours apart.
 * @param {Item[]} items @param {number} width @returns {Cut[]}
 */
function cutToRoom(items, width) {
  /** @type {Item[]} */
  const kept = [];
  for (const item of items) {
    if (!kept.length || item.x - kept[kept.length - 1].x >= NARROWEST + GAP) kept.push(item);
  }
  return kept.map((item, i) => {
    const before = kept[i - 1] ? (kept[i - 1].x + item.x + GAP) / 2 : -Infinity;
    const after = kept[i + 1] ? (item.x + kept[i + 1].x - GAP) / 2 : Infinity;
    const left = inside(item, width);
    return { ...item, left: Math.max(before, left), right: Math.min(after, left + item.wide) };
  });
}

/**
 * The left of a whole image, centred on its keyframe, and kept inside while that is.
 * @param {Item} item @param {number} width @returns {number}
 */
function inside({ x, wide }, width) {
  const left = x - wide / 2;
  return x < 0 || x > width ? left : Math.min(width - wide - 2, Math.max(2, left));
}

/**
 * @param {CanvasRenderingContext2D} context @param {Cut} item @param {{ top: number, tall: number }} band
 * @param {string} line
 */
function drawImage(context, { image, left, right, wide }, { top, tall }, line) {
  const [naturalWidth, naturalHeight] = naturalSize(image);
  const shown = (right - left) / wide; // part of the image's width; what is cut off is cut off evenly
  context.save();
  context.beginPath();
  context.roundRect(left, top, right - left, tall, 4);
  context.clip();
  const cut = (naturalWidth * (1 - shown)) / 2;
  context.drawImage(image, cut, 0, naturalWidth * shown, naturalHeight, left, top, right - left, tall);
  context.restore();
  context.beginPath();
  context.roundRect(left + 0.5, top + 0.5, right - left - 1, tall - 1, 4);
  context.strokeStyle = line;
  context.lineWidth = 1;
  context.stroke();
}

/** @param {any} image of any kind that a canvas draws @returns {[number, number]} */
function naturalSize(image) {
  return [image.naturalWidth || image.width || 1, image.naturalHeight || image.height || 1];
}
