// @ts-check
// The images of keyframes above their markers, painted or the artist's own, each cut to the room that its neighbours leave.

import { frameToX } from "./geometry.mjs";
import { fontOf } from "./labels.mjs";

/** @import { Theme } from "./theme.mjs" */

/** @import { FullScene } from "./draw.mjs" */

/** @typedef {{ frame: number, image: any, x: number, wide: number, isOwn: boolean }} Item in pixels; wide: of the whole image */
/** @typedef {Item & { left: number, right: number }} Cut the part that is drawn */

const GAP = 2;
const UNKNOWN = [4, 3]; // proportions of an image that did not come
const NARROWEST = 16; // pixels; an image with less room is left out

/**
 * Draws the images in their band; the artist's own have a line in the colour of what was chosen.
 * @param {CanvasRenderingContext2D} context @param {FullScene} scene
 */
export function drawImages(context, scene) {
  const { boxes, width, images, theme, selection, focus, hover } = scene;
  if (!boxes.images.height || !images?.size) return;
  const band = { top: boxes.images.y + 3, tall: boxes.images.height - 6 };
  const seen = visibleImages(scene, band.tall);
  const kept = cutToRoom(seen, width);
  for (const item of kept) {
    const line = item.isOwn ? theme.accent : theme.line;
    drawImage(context, item, band, { line: selection.has(item.frame) ? theme.text : line, theme });
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
  drawImage(context, { ...whole, left, right: left + whole.wide }, band, { line: theme.text, theme });
}

/** @param {FullScene} scene @param {number} tall @returns {Item[]} */
function visibleImages({ images, shown, view, width }, tall) {
  const own = new Set((shown?.keyframes ?? []).filter(({ image }) => image).map(({ frame }) => frame));
  const seen = [];
  for (const [frame, image] of images) {
    const [naturalWidth, naturalHeight] = naturalSize(image);
    const wide = (tall * naturalWidth) / naturalHeight;
    const x = frameToX(frame, view, width);
    if (x > -wide / 2 && x < width + wide / 2) seen.push({ frame, image, x, wide, isOwn: own.has(frame) });
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
 * @param {{ line: string, theme: Theme }} look
 */
function drawImage(context, item, band, { line, theme }) {
  const { left, right } = item;
  const { top, tall } = band;
  if (isMissing(item.image)) drawMissing(context, item, band, theme);
  else drawPixels(context, item, band);
  context.beginPath();
  context.roundRect(left + 0.5, top + 0.5, right - left - 1, tall - 1, 4);
  context.strokeStyle = line;
  context.lineWidth = 1;
  context.stroke();
}

/** @param {CanvasRenderingContext2D} context @param {Cut} item @param {{ top: number, tall: number }} band */
function drawPixels(context, { image, left, right, wide }, { top, tall }) {
  const [naturalWidth, naturalHeight] = naturalSize(image);
  const shown = (right - left) / wide; // part of the image's width; what is cut off is cut off evenly
  context.save();
  context.beginPath();
  context.roundRect(left, top, right - left, tall, 4);
  context.clip();
  const cut = (naturalWidth * (1 - shown)) / 2;
  context.drawImage(image, cut, 0, naturalWidth * shown, naturalHeight, left, top, right - left, tall);
  context.restore();
}

/**
 * A crossed box and a question mark in the place of an image whose file is not there.
 * @param {CanvasRenderingContext2D} context @param {Cut} item @param {{ top: number, tall: number }} band
 * @param {Theme} theme
 */
function drawMissing(context, { left, right }, { top, tall }, theme) {
  context.fillStyle = theme.raised;
  context.fillRect(left, top, right - left, tall);
  context.strokeStyle = theme.line;
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(left, top);
  context.lineTo(right, top + tall);
  context.moveTo(right, top);
  context.lineTo(left, top + tall);
  context.stroke();
  context.font = fontOf(theme, 15, 600);
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillStyle = theme.text;
  context.fillText("?", (left + right) / 2, top + tall / 2);
}

/**
 * Whether an image was asked for and did not come; one that is still loading is not complete.
 * @param {any} image @returns {boolean}
 */
export const isMissing = (image) => image?.complete === true && image.naturalWidth === 0;

/** @param {any} image of any kind that a canvas draws @returns {[number, number]} */
function naturalSize(image) {
  if (isMissing(image)) return /** @type {[number, number]} */ (UNKNOWN);
  return [image.naturalWidth || image.width || 1, image.naturalHeight || image.height || 1];
}
