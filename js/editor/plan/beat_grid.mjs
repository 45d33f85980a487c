// @ts-check
// The beats that the timeline draws and snaps to: as they were found, half of them, or twice as many.

/** @typedef {"as heard" | "half" | "half, the others" | "double"} BeatGrid */

/** @type {BeatGrid[]} */
export const BEAT_GRIDS = ["as heard", "half", "half, the others", "double"];

/**
 * The frames of a grid over beats that were found.
 * @param {number[] | undefined} beats frames, ascending @param {BeatGrid} grid
 * @returns {number[]} ascending, each once
 */
export function beatsOn(beats, grid) {
  if (!beats?.length || grid === "as heard") return beats ?? [];
  if (grid === "half") return beats.filter((_, i) => i % 2 === 0);
  if (grid === "half, the others") return beats.filter((_, i) => i % 2 === 1);
  const usual = medianGap(beats);
  const between = beats
    .slice(1)
    .map((beat, i) => ({ middle: Math.round((beats[i] + beat) / 2), gap: beat - beats[i] }));
  // a pause between two stretches of beats has no beat in its middle
  const added = between.filter(({ gap }) => gap > 1 && gap <= 1.5 * usual).map(({ middle }) => middle);
  return [...new Set([...beats, ...added])].sort((a, b) => a - b);
}

/** @param {number[]} beats @returns {number} frames */
function medianGap(beats) {
  const gaps = beats.slice(1).map((beat, i) => beat - beats[i]);
  gaps.sort((a, b) => a - b);
  return gaps[Math.floor(gaps.length / 2)] ?? 0;
}
