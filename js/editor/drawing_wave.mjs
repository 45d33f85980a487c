// Behind the keyframes: the sound, the motion curve over it, and where onsets, beats and frames lie.

import { frameToX, MARGIN, scaleOf, visible, xToFrame } from "./geometry.mjs";
import { columns, levelsOf } from "./levels.mjs";
import { ticks } from "./ruler.mjs";

const FRAME_GRID_PX = 9; // pixels per frame from which each frame has its line
const CURVE_DOTS_PX = 7; // and from which the curve is drawn from frame to frame
const SILENCE = 1e-3; // of full scale: stretched to full height it would look like sound
const curveLevels = new WeakMap();

export function drawWave(context, scene) {
  const { boxes, width } = scene;
  if (boxes.wave.height <= 0) return;
  context.save();
  context.beginPath();
  context.rect(0, boxes.pictures.y, width, boxes.pictures.height + boxes.wave.height);
  context.clip();
  drawGrid(context, scene);
  drawBeats(context, scene);
  drawSound(context, scene);
  drawCurve(context, scene);
  drawOnsets(context, scene);
  context.restore();
}

/** Height of a score in [0, 1] in the waveform's band, in pixels from the top. */
export function curveY({ y, height }, score) {
  return y + height - 5 - Math.min(1, Math.max(0, score)) * (height - 12);
}

function drawGrid(context, { boxes, view, width, nFrames, unit, fps, theme, ratio }) {
  const { y } = boxes.pictures;
  const height = boxes.pictures.height + boxes.wave.height;
  const line = (frame) => context.fillRect(crisp(frameToX(frame, view, width), ratio), y, 1, height);
  if (scaleOf(view, width) >= FRAME_GRID_PX) {
    context.fillStyle = theme.grid;
    const pad = MARGIN / scaleOf(view, width);
    const last = Math.min(nFrames, view.first + view.span + pad);
    for (let frame = Math.max(0, Math.ceil(view.first - pad)); frame <= last; frame++) line(frame);
  }
  context.fillStyle = theme.gridStrong;
  for (const { frame, major } of ticks(view, width, unit, fps)) if (major && frame <= nFrames) line(frame);
}

function drawBeats(context, { boxes, view, width, beats, theme, ratio }) {
  context.fillStyle = theme.beat;
  const dash = 3;
  const { y, height } = boxes.wave;
  if (visibleGap(beats, view, width) < 8) return; // lines so close would grey the waveform
  forVisible(beats, view, width, (x) => {
    for (let at = y + 2; at < y + height - 2; at += 2 * dash) context.fillRect(crisp(x, ratio), at, 1, dash);
  });
}

function drawSound(context, { boxes, view, width, nFrames, wave, theme, ratio }) {
  const middle = boxes.wave.y + boxes.wave.height / 2;
  const half = boxes.wave.height / 2 - 5;
  if (!wave || wave.peak < SILENCE) {
    if (!wave) return;
    context.fillStyle = theme.waveform;
    context.fillRect(0, middle - 0.5, width, 1);
    return;
  }
  const { min, max } = columns(wave, view, width, nFrames, ratio);
  const gain = half / wave.peak;
  const thin = 0.5; // a quiet place is a line, not a gap
  context.fillStyle = theme.waveform;
  context.beginPath();
  for (let i = 0; i < min.length; i++) {
    if (Number.isNaN(min[i])) continue;
    const top = Math.min(middle - max[i] * gain, middle - thin);
    const bottom = Math.max(middle - min[i] * gain, middle + thin);
    context.rect(i / ratio, top, 1 / ratio, bottom - top);
  }
  context.fill();
}

function drawCurve(context, scene) {
  const { boxes, curve, theme } = scene;
  if (!curve?.length) return;
  const points = curvePoints(scene);
  if (points.length < 2) return;
  const bottom = boxes.wave.y + boxes.wave.height;
  const trace = () => points.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));

  const fade = context.createLinearGradient(0, boxes.wave.y, 0, bottom);
  fade.addColorStop(0, theme.curveTop);
  fade.addColorStop(1, theme.curveBottom);
  context.beginPath();
  trace();
  context.lineTo(points.at(-1)[0], bottom);
  context.lineTo(points[0][0], bottom);
  context.fillStyle = fade;
  context.fill();

  context.beginPath();
  trace();
  context.strokeStyle = theme.curve;
  context.lineWidth = 1.5;
  context.lineJoin = "round";
  context.stroke();
}

/** Frame by frame where frames are apart; else up and down within each pixel. */
function curvePoints({ boxes, view, width, nFrames, curve }) {
  const points = [];
  const scale = scaleOf(view, width);
  if (scale >= 1) {
    const first = Math.max(0, Math.floor(xToFrame(0, view, width)) - 1);
    const last = Math.min(curve.length - 1, Math.ceil(xToFrame(width, view, width)) + 1);
    for (let frame = first; frame <= last; frame++) points.push([frameToX(frame, view, width), curveY(boxes.wave, curve[frame])]);
    if (last === curve.length - 1) points.push([frameToX(nFrames, view, width), points.at(-1)?.[1]]); // shown until the end
    return points;
  }
  if (!curveLevels.has(curve)) curveLevels.set(curve, levelsOf(curve, curve));
  const { min, max } = columns(curveLevels.get(curve), view, width, nFrames);
  for (let x = 0; x < min.length; x++) {
    if (Number.isNaN(min[x])) continue;
    const [low, high] = [curveY(boxes.wave, min[x]), curveY(boxes.wave, max[x])];
    points.push([x + 0.25, points.length && points.at(-1)[1] < (low + high) / 2 ? high : low]);
    points.push([x + 0.75, points.at(-1)[1] === high ? low : high]);
  }
  return points;
}

function drawOnsets(context, { boxes, view, width, onsets, theme }) {
  if (visibleGap(onsets, view, width) < 3) return;
  const top = boxes.wave.y;
  context.fillStyle = theme.onset;
  context.beginPath();
  forVisible(onsets, view, width, (x) => {
    context.moveTo(x - 3.5, top);
    context.lineTo(x + 3.5, top);
    context.lineTo(x, top + 5);
  });
  context.fill();
}

function forVisible(frames, view, width, use) {
  if (!frames?.length) return;
  const [first, last] = visible(frames, view, (MARGIN + 6) / scaleOf(view, width));
  for (let i = first; i < last; i++) use(frameToX(frames[i], view, width));
}

/** Mean distance in pixels of what is seen of these frames. */
function visibleGap(frames, view, width) {
  if (!frames?.length) return Infinity;
  const [first, last] = visible(frames, view);
  return width / Math.max(1, last - first);
}

/** Where a line one pixel wide begins that is centred on x and sharp. */
export function crisp(x, ratio) {
  return Math.round((x - 0.5) * ratio) / ratio;
}
