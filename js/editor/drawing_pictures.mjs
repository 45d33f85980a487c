// The painted keyframes above their markers, each cut to the room that its neighbours leave.

import { frameToX } from "./geometry.mjs";

const GAP = 2;
const NARROWEST = 16;

export function drawPictures(context, scene) {
  const { boxes, view, width, pictures, theme, selection, focus, hover } = scene;
  if (!boxes.pictures.height || !pictures?.size) return;
  const top = boxes.pictures.y + 3;
  const tall = boxes.pictures.height - 6;
  const isMarked = (frame) => selection.has(frame) || frame === focus || (hover?.frame ?? null) === frame;
  const all = [...pictures].sort(([a], [b]) => a - b).map(([frame, image]) => ({ frame, image, x: frameToX(frame, view, width) }));
  const kept = [];
  for (const picture of all) {
    picture.wide = (tall * naturalSize(picture.image)[0]) / naturalSize(picture.image)[1];
    if (picture.x < -picture.wide || picture.x > width + picture.wide) continue;
    if (!kept.length || picture.x - kept.at(-1).x >= NARROWEST + GAP) kept.push(picture);
  }
  kept.forEach((picture, i) => {
    const before = i ? (kept[i - 1].x + picture.x + GAP) / 2 : -Infinity;
    const after = i + 1 < kept.length ? (kept[i + 1].x + picture.x - GAP) / 2 : Infinity;
    picture.left = Math.max(before, picture.x - picture.wide / 2);
    picture.right = Math.min(after, picture.x + picture.wide / 2);
  });
  for (const picture of kept) drawPicture(context, scene, picture, top, tall);
  for (const picture of all.filter(({ frame }) => isMarked(frame))) {
    const left = Math.min(width - picture.wide - 2, Math.max(2, picture.x - picture.wide / 2));
    drawPicture(context, scene, { ...picture, left, right: left + picture.wide }, top, tall, theme.text);
  }
}

function drawPicture(context, { theme }, { image, left, right, wide }, top, tall, line = theme.line) {
  const [naturalWidth, naturalHeight] = naturalSize(image);
  const part = (right - left) / wide; // of the picture's own width; the rest is cut off evenly
  const cut = (naturalWidth * (1 - part)) / 2;
  context.save();
  context.beginPath();
  context.roundRect(left, top, right - left, tall, 4);
  context.clip();
  context.drawImage(image, cut, 0, naturalWidth * part, naturalHeight, left, top, right - left, tall);
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
