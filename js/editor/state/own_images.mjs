// @ts-check
// The artist's own images of keyframes: files in ComfyUI's input folder that the plan names.

/** @import { Plan } from "../plan/plan.mjs" */
/** @import { ServedFile } from "./edit_status.mjs" */

/**
 * The file that a keyframe's image names.
 * @param {string} image such as "board/12.png" @returns {ServedFile}
 */
export function inputFile(image) {
  const path = image.replaceAll("\\", "/");
  const slash = path.lastIndexOf("/");
  return { filename: path.slice(slash + 1), subfolder: path.slice(0, Math.max(0, slash)), type: "input" };
}

/**
 * The artist's own images of a plan, by frame; they may still be loading.
 * @param {{ plan: Plan | null, urlOf: (file: ServedFile) => string, load: (url: string) => HTMLImageElement }} options
 * @returns {Map<number, HTMLImageElement>}
 */
export function ownImages({ plan, urlOf, load }) {
  const own = (plan?.keyframes ?? []).filter(({ image }) => image);
  return new Map(own.map(({ frame, image = "" }) => [frame, load(urlOf(inputFile(image)))]));
}
