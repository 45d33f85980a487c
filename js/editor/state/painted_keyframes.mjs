// @ts-check
// The painted keyframes above their markers: which Keyframe Sheet shows an editor's plan, and its images by frame.
//
// Nothing of it is saved: a sheet names its images with each run, and a checksum of the plan they were painted with.
// The checksum alone decides what is shown. Wires only prefer one sheet to another: a plan also travels by nodes of
// other packs, with no wire that could be followed here.

import { roundedRate } from "../plan/timebase.mjs";

/** @import { Plan } from "../plan/plan.mjs" */
/** @import { ServedFile } from "./edit_status.mjs" */

/**
 * @typedef {Object} SheetPayload what a Keyframe Sheet reported (keyvid_sheet[0])
 * @property {string} plan checksum of the plan it was painted with
 * @property {number[]} frames @property {ServedFile[]} pictures the painted keyframes, as many as frames
 */

/**
 * What of a plan is painted, as 8 hex digits: the mirror of plan_checksum in preview/editor.py
 * (tests/plan_checksums.json holds both). Names of own images count where there are any; kinds and locks
 * are not painted.
 * @param {Pick<Plan, "fps" | "n_frames" | "fingerprint" | "keyframes">} plan @returns {string}
 */
export function planChecksum({ fps, n_frames, fingerprint = null, keyframes }) {
  /** @type {any[]} */
  const painted = [roundedRate(fps), n_frames, keyframes.map(({ frame }) => frame), fingerprint];
  const images = keyframes.filter(({ image }) => image).map(({ frame, image }) => [frame, image]);
  if (images.length) painted.push(images);
  return crc32(new TextEncoder().encode(JSON.stringify(painted)))
    .toString(16)
    .padStart(8, "0");
}

/** @param {Uint8Array} bytes @returns {number} */
function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

/**
 * The first of what Keyframe Sheets reported (keyvid_sheet[0]) that was painted with a plan, or null.
 * @param {SheetPayload[]} payloads @param {Plan | null} plan @returns {SheetPayload | null}
 */
export function sheetOf(payloads, plan) {
  if (!plan || !payloads.length) return null;
  const checksum = planChecksum(plan);
  return payloads.find((payload) => payload.plan === checksum) ?? null;
}

/**
 * The images of a plan, by frame; empty when they were painted with another one.
 *
 * sheetPayload: what a Keyframe Sheet reported as keyvid_sheet[0], or null; urlOf({filename, subfolder, type}) gives
 * the address of an image, load(url) an image that may still be loading.
 * @returns {Map<number, HTMLImageElement>}
 * @param {SheetPayload | null} sheetPayload
 * @param {{ plan: Plan | null, urlOf: (file: ServedFile) => string, load: (url: string) => HTMLImageElement }} options
 */
export function imagesFor(sheetPayload, { plan, urlOf, load }) {
  if (!plan || !sheetPayload || sheetPayload.plan !== planChecksum(plan)) return new Map();
  const { frames, pictures } = sheetPayload;
  return new Map(frames.map((frame, i) => [frame, load(urlOf(pictures[i]))]));
}

/**
 * A `load` for imagesFor that asks for each address once; onEnd() is called after each image that came or did not.
 *
 * load.forget(): ask anew for the images that did not come. They are named by their content, so a later run may have
 * written the very file that was missing.
 * @param {() => void} onEnd @param {() => HTMLImageElement} [createImage]
 * @returns {((url: string) => HTMLImageElement) & { forget: () => void }}
 */
export function imageLoader(onEnd, createImage = () => new Image()) {
  const images = new Map();
  const failed = new Set();
  const load = (/** @type {string} */ url) => {
    if (!images.has(url)) {
      const image = createImage();
      image.onload = onEnd;
      image.onerror = () => {
        image.removeAttribute("src"); // a canvas throws at a broken image, but not at one without a source
        failed.add(url);
        onEnd();
      };
      image.src = url;
      images.set(url, image);
    }
    return images.get(url);
  };
  load.forget = () => {
    for (const url of failed) images.delete(url);
    failed.clear();
  };
  return load;
}
