// The painted keyframes above their markers, each cut to the room that its neighbours leave.

import { frameToX } from "./geometry.mjs";

const GAP = 2;
const NARROWEST = 16; // pixels; a picture with less room is left out

export function drawPictures(context, scene) {
  const { boxes, width, pictures, theme, selection, focus, hover } = scene;
  if (!boxes.pictures.height || !pictures?.size) return;
  const band = { top: boxes.pictures.y + 3, tall: boxes.pictures.height - 6 };
  const seen = seenPictures(scene, band.tall);
  const kept = cutToRoom(seen, width);
  for (const picture of kept) {
    drawPicture(context, picture, band, selection.has(picture.frame) ? theme.text : theme.line);
  }

  // the one under the hand whole, over its neighbours
  const raised = hover?.frame ?? focus;
  const whole = seen.find(({ frame }) => frame === raised);
  if (!whole) return;
  const left = inside(whole, width);
  context.shadowColor = "rgba(0, 0, 0, 0.5)";
  context.shadowBlur = 6 * scene.ratio;
  context.fillStyle = theme.panel;
  context.fillRect(left, band.top, whole.wide, band.tall);
  context.shadowColor = "transparent";
  drawPicture(context, { ...whole, left, right: left + whole.wide }, band, theme.text);
}

function seenPictures({ pictures, view, width }, tall) {
  const seen = [];
  for (const [frame, image] of pictures) {
    const [naturalWidth, naturalHeight] = naturalSize(image);
    const wide = (tall * naturalWidth) / naturalHeight;
    const x = frameToX(frame, view, width);
    if (x > -wide / 2 && x < width + wide / 2) seen.push({ frame, image, x, wide });
  }
  return seen.sort((a, b) => a.x - b.x);
}

/** The pictures that have room, with the left and right that keep neighbours apart. */
function cutToRoom(pictures, width) {
  const kept = [];
  for (const picture of pictures) {
    if (!kept.length || picture.x - kept.at(-1).x >= NARROWEST + GAP) kept.push(picture);
  }
  return kept.map((picture, i) => {
    const before = kept[i - 1] ? (kept[i - 1].x + picture.x + GAP) / 2 : -Infinity;
    const after = kept[i + 1] ? (picture.x + kept[i + 1].x - GAP) / 2 : Infinity;
    const left = inside(picture, width);
    return { ...picture, left: Math.max(before, left), right: Math.min(after, left + picture.wide) };
  });
}

/** The left of a whole picture, centred on its keyframe, and kept inside while that is. */
function inside({ x, wide }, width) {
  const left = x - wide / 2;
  return x < 0 || x > width ? left : Math.min(width - wide - 2, Math.max(2, left));
}

function drawPicture(context, { image, left, right, wide }, { top, tall }, line) {
  const [naturalWidth, naturalHeight] = naturalSize(image);
  const shown = (right - left) / wide; // part of the picture's width; what is cut off is cut off evenly
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

function naturalSize(image) {
  return [image.naturalWidth || image.width || 1, image.naturalHeight || image.height || 1];
}
