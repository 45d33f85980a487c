// @ts-check
// Where things are: frames to pixels and back, the bands of the editor, and what is under the pointer.
//
// A view is what of the clip is seen: {first, span} in frames (floats). A keyframe is at the time its frame is
// first shown, so frame f and the start of its cell share one x; the clip ends at nFrames. Pixels are CSS pixels.

/** @import { Plan } from "../plan/plan.mjs" */

/** Pixels left and right of a view, so that the markers of the first and the last frame are whole. */
export const MARGIN = 18;
const MIN_SPAN = 6; // frames: closer in there is nothing more to see
const HEIGHTS = { ruler: 24, notes: 18, images: 58, keys: 46, overview: 22 };
const MIN_WAVE = 36;
const SLOP = { mouse: 10, touch: 22 }; // pixels around a marker that still grab it
const STEM_SLOP = { mouse: 4, touch: 11 }; // and around its stem in the waveform
const IMAGE_SLOP = 36; // and around the middle of an image, which is about twice as wide
const EDGE_SLOP = { mouse: 6, touch: 16 }; // and around an edge of the loop or of the overview's window

/** @typedef {{ first: number, span: number }} View In frames; first >= 0, first + span <= nFrames. */
/** @typedef {{ y: number, height: number }} Band in pixels from the top */
/** @typedef {"ruler" | "notes" | "images" | "wave" | "keys" | "overview"} BandName */
/** @typedef {Record<BandName, Band> & { width: number, height: number }} Boxes the bands, and the size they were made for */
/**
 * @typedef {Object} Hit what is under the pointer
 * @property {"ruler" | "loop" | "note" | "notes" | "image" | "wave" | "key" | "keys" | "overview"} part
 * @property {number | null} frame of the keyframe, or null (parts "key" and "image" have one)
 * @property {number} at the frame under the pointer as float (in the overview, of the whole clip)
 * @property {null | "start" | "end" | "window"} edge of the loop or the window
 * @property {number} [note] which one, of part "note"
 */

/**
 * The view of the whole clip.
 * @param {number} nFrames @returns {View}
 */
export function fit(nFrames) {
  return { first: 0, span: Math.max(1, nFrames) };
}

/**
 * The nearest view within the clip and is neither too near nor too far.
 * @param {View} view @param {number} nFrames @returns {View}
 */
export function clampView({ first, span }, nFrames) {
  const whole = Math.max(1, nFrames);
  const seen = Math.min(whole, Math.max(Math.min(MIN_SPAN, whole), span || whole));
  return { first: Math.min(whole - seen, Math.max(0, first || 0)), span: seen };
}

/**
 * Zooms in (factor > 1) or out, and the frame `atFrame` stays where it is as far as the clip's ends allow.
 * @param {View} view @param {number} atFrame @param {number} factor @param {number} nFrames @returns {View}
 */
export function zoomAt(view, atFrame, factor, nFrames) {
  const { span } = clampView({ first: 0, span: view.span / factor }, nFrames);
  return clampView({ first: atFrame - ((atFrame - view.first) * span) / view.span, span }, nFrames);
}

/**
 * Moves the view by frames.
 * @param {View} view @param {number} deltaFrames @param {number} nFrames @returns {View}
 */
export function panBy(view, deltaFrames, nFrames) {
  return clampView({ first: view.first + deltaFrames, span: view.span }, nFrames);
}

/**
 * The view, moved no more than needed for a frame to be seen, with some room around it.
 * @param {View} view @param {number} frame @param {number} nFrames @returns {View}
 */
export function reveal(view, frame, nFrames) {
  const room = view.span * 0.08;
  if (frame < view.first + room) return clampView({ ...view, first: frame - room }, nFrames);
  if (frame > view.first + view.span - room) return clampView({ ...view, first: frame + room - view.span }, nFrames);
  return view;
}

/**
 * Pixels per frame.
 * @param {View} view @param {number} width @returns {number}
 */
export function scaleOf(view, width) {
  return Math.max(1, width - 2 * MARGIN) / view.span;
}

/**
 * Pixels from the left of where a frame begins.
 * @param {number} frame @param {View} view @param {number} width @returns {number}
 */
export function frameToX(frame, view, width) {
  return MARGIN + (frame - view.first) * scaleOf(view, width);
}

/**
 * The frame at x, a float; beyond the clip it goes on.
 * @param {number} x @param {View} view @param {number} width @returns {number}
 */
export function xToFrame(x, view, width) {
  return view.first + (x - MARGIN) / scaleOf(view, width);
}

/**
 * The bands from top to bottom, each {y, height} in pixels, and the size they were made for.
 * Images are left out where they would leave the waveform no space, and so is the overview.
 * @param {number} width @param {number} height @param {{ hasImages?: boolean, hasNotes?: boolean }} [options]
 * @returns {Boxes}
 */
export function layout(width, height, { hasImages = false, hasNotes = false } = {}) {
  const notes = hasNotes ? HEIGHTS.notes : 0;
  const fixed = HEIGHTS.ruler + notes + HEIGHTS.keys;
  const overview = height - fixed - HEIGHTS.overview >= MIN_WAVE ? HEIGHTS.overview : 0;
  const room = height - fixed - overview - MIN_WAVE;
  const images = hasImages && room >= HEIGHTS.images * 0.6 ? Math.min(HEIGHTS.images, room) : 0;
  const wave = Math.max(0, height - fixed - overview - images);
  /** @type {any} */
  const boxes = { width, height };
  let y = 0;
  for (const [name, size] of Object.entries({
    ruler: HEIGHTS.ruler,
    notes,
    images,
    wave,
    keys: HEIGHTS.keys,
    overview,
  })) {
    boxes[name] = { y, height: size };
    y += size;
  }
  return boxes;
}

/** @type {WeakMap<Plan, Int32Array>} */
const listed = new WeakMap();

/**
 * The plan's frames, ascending; made once per plan.
 * @param {Plan | null | undefined} plan @returns {Int32Array}
 */
export function frameList(plan) {
  if (!plan) return new Int32Array();
  const frames = listed.get(plan) ?? Int32Array.from(plan.keyframes, (keyframe) => keyframe.frame);
  listed.set(plan, frames);
  return frames;
}

/**
 * Index of the first frame that is not before `frame`, in ascending frames.
 * @param {ArrayLike<number>} frames @param {number} frame @returns {number}
 */
export function bisect(frames, frame) {
  let low = 0;
  let high = frames.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (frames[middle] < frame) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * [i0, i1): which of the ascending frames lie in the view, or at most `pad` frames beyond it.
 * @param {ArrayLike<number>} frames @param {View} view @param {number} [pad] @returns {[number, number]}
 */
export function visible(frames, view, pad = 0) {
  const end = view.first + view.span + pad;
  let last = bisect(frames, end);
  while (last < frames.length && frames[last] === end) last++;
  return [bisect(frames, view.first - pad), last];
}

/**
 * The plan's frames whose markers are from x0 to x1, in any order.
 * @param {Plan} plan @param {View} view @param {number} width @param {number} x0 @param {number} x1
 * @returns {number[]}
 */
export function framesInBox(plan, view, width, x0, x1) {
  const frames = frameList(plan);
  const [left, right] = [xToFrame(Math.min(x0, x1), view, width), xToFrame(Math.max(x0, x1), view, width)];
  return Array.from(frames.slice(bisect(frames, left), bisect(frames, right + 1e-9)));
}

/**
 * The keyframe's frame nearest to x within `slop` pixels, or null; of two equally near ones the earlier.
 * @param {Plan | null} plan @param {View} view @param {number} width @param {number} x @param {number} slop
 * @returns {number | null}
 */
function nearestKey(plan, view, width, x, slop) {
  const frames = frameList(plan);
  const at = xToFrame(x, view, width);
  const i = bisect(frames, at);
  const near = [frames[i - 1], frames[i]].filter((frame) => frame !== undefined);
  near.sort((a, b) => Math.abs(a - at) - Math.abs(b - at) || a - b);
  return near.length && Math.abs(frameToX(near[0], view, width) - x) <= slop ? near[0] : null;
}

/**
 * What is under the pointer.
 *
 * x, y in pixels within `boxes` (of `layout`). loop: [a, b] in frames, or null.
 * @param {Plan | null} plan @param {View} view @param {Boxes} boxes @param {number} x @param {number} y
 * @param {{ touch?: boolean, loop?: [number, number] | null, notes?: [number, number][] }} [options] notes: where each is
 * @returns {Hit}
 */
export function hit(plan, view, boxes, x, y, { touch = false, loop = null, notes = [] } = {}) {
  const kind = touch ? "touch" : "mouse";
  const { width } = boxes;
  const at = xToFrame(x, view, width);
  const band = bandAt(boxes, y);
  /** @type {(part: Hit["part"], frame?: number | null, edge?: Hit["edge"]) => Hit} */
  const found = (part, frame = null, edge = null) => ({ part, frame, at, edge });

  if (band === "overview") return hitOverview(plan, view, boxes, x, EDGE_SLOP[kind]);
  if (band === "ruler") {
    const edge = loop && edgeAt(loop, view, width, x, EDGE_SLOP[kind]);
    return edge ? found("loop", null, edge) : found("ruler");
  }
  if (band === "notes") {
    const note = notes.findLastIndex(([left, right]) => x >= left - EDGE_SLOP[kind] && x <= right);
    return note < 0 ? found("notes") : { ...found("note"), note };
  }
  if (band === "keys") {
    const frame = nearestKey(plan, view, width, x, SLOP[kind]);
    return frame === null ? found("keys") : found("key", frame);
  }
  if (band === "images") {
    const frame = nearestKey(plan, view, width, x, IMAGE_SLOP);
    return frame === null ? found("wave") : found("image", frame);
  }
  // finger and stem: a marker's lane is low, so the end of the waveform above it belongs to it as well
  const nearLane = touch && boxes.keys.y - y < SLOP.touch / 2;
  const frame = nearestKey(plan, view, width, x, nearLane ? SLOP.touch : STEM_SLOP[kind]);
  if (frame !== null && (nearLane || standsAlone(plan, view, width, frame, 3 * STEM_SLOP[kind]))) {
    return found("key", frame);
  }
  return found("wave");
}

/** @param {Boxes} boxes @param {number} y @returns {BandName} */
function bandAt(boxes, y) {
  /** @type {BandName[]} */
  const names = ["ruler", "notes", "images", "wave", "keys", "overview"];
  const shown = names.filter((name) => boxes[name].height > 0);
  return shown.find((name) => y < boxes[name].y + boxes[name].height) ?? shown[shown.length - 1];
}

/**
 * @param {[number, number]} edges @param {View} view @param {number} width @param {number} x @param {number} slop
 * @returns {"start" | "end" | null}
 */
function edgeAt([a, b], view, width, x, slop) {
  const [toStart, toEnd] = [a, b].map((frame) => Math.abs(frameToX(frame, view, width) - x));
  if (Math.min(toStart, toEnd) > slop) return null;
  return toStart < toEnd ? "start" : "end";
}

/**
 * @param {Plan | null} plan @param {View} view @param {Boxes} boxes @param {number} x @param {number} slop
 * @returns {Hit}
 */
function hitOverview(plan, view, boxes, x, slop) {
  const whole = fit(plan?.n_frames ?? view.first + view.span);
  const at = xToFrame(x, whole, boxes.width);
  /** @type {[number, number]} */
  const window = [view.first, view.first + view.span];
  const [left, right] = window.map((frame) => frameToX(frame, whole, boxes.width));
  // a window too narrow for edges is one handle, with some room to grab it
  const isNarrow = right - left < 3 * slop;
  const room = isNarrow ? slop : 0;
  const isInside = x >= left - room && x <= right + room;
  /** @type {Hit["edge"]} */
  const edge = (isNarrow ? null : edgeAt(window, whole, boxes.width, x, slop)) ?? (isInside ? "window" : null);
  return { part: "overview", frame: null, at, edge };
}

/**
 * Whether no other keyframe is within `distance` pixels: else stems would leave no room to start a box.
 * @param {Plan | null} plan @param {View} view @param {number} width @param {number} frame @param {number} distance
 * @returns {boolean}
 */
function standsAlone(plan, view, width, frame, distance) {
  const frames = frameList(plan);
  const i = bisect(frames, frame);
  const gaps = [frame - (frames[i - 1] ?? -Infinity), (frames[i + 1] ?? Infinity) - frame];
  return Math.min(...gaps) * scaleOf(view, width) >= distance;
}
