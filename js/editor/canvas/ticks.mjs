// @ts-check
// The ruler's ticks: round numbers of the chosen unit, as close together as can be read.

import { MARGIN, scaleOf } from "./geometry.mjs";
import { timecode } from "../plan/timebase.mjs";

/** @import { Unit } from "../plan/timebase.mjs" */
/** @import { View } from "./geometry.mjs" */

/** @typedef {{ frame: number, label: string | null, major: boolean }} Tick */
/** @typedef {{ steps: number[], frameAt: (value: number) => number, textAt: (value: number, step: number) => string }} Counting */

const MIN_TICK_PX = 7;
const CHARACTER_PX = 6.6; // of the ruler's 11 px figures, at their widest
const LABEL_GAP_PX = 18;
const SECONDS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 18000];

/**
 * Ticks of what is seen, margins included, ascending and never before frame 0.
 *
 * unit: "frames", "seconds" or "timecode". A tick of seconds may be between two frames (frame is a float).
 * @param {View} view @param {number} width @param {Unit} unit @param {number} fps @returns {Tick[]}
 */
export function ticks(view, width, unit, fps) {
  const scale = scaleOf(view, width);
  const { steps, frameAt, textAt } = UNITS[unit](fps);
  const end = view.first + view.span + MARGIN / scale;
  const longest = textAt(steps.find((step) => frameAt(step) >= end) ?? end, steps[0]).length;
  const spacing = (longest + 1) * CHARACTER_PX + LABEL_GAP_PX;
  const labelled = steps.find((step) => frameAt(step) * scale >= spacing) ?? steps[steps.length - 1];
  const divides = (/** @type {number} */ step) => Math.abs(labelled / step - Math.round(labelled / step)) < 1e-6;
  const fine = steps.find((step) => frameAt(step) * scale >= MIN_TICK_PX && divides(step)) ?? labelled;
  const perLabel = Math.round(labelled / fine);

  const found = [];
  const start = Math.max(0, Math.ceil((view.first - MARGIN / scale) / frameAt(fine)));
  for (let i = start; frameAt(i * fine) <= end; i++) {
    const major = i % perLabel === 0;
    found.push({ frame: frameAt(i * fine), label: major ? textAt(i * fine, labelled) : null, major });
  }
  return found;
}

/**
 * How a unit is counted: its round steps, which frame a value is, and how it reads beside such a step.
 * @type {Record<Unit, (fps: number) => Counting>}
 */
const UNITS = {
  frames: () => ({ steps: roundNumbers(1), frameAt: (value) => value, textAt: (value) => String(Math.round(value)) }),
  seconds: (fps) => ({
    steps: SECONDS,
    frameAt: (value) => value * fps,
    textAt: (value, step) => secondsText(value, step),
  }),
  timecode: (fps) => {
    const second = Math.max(1, Math.round(fps)); // frames that a second of timecode counts
    const within = Array.from({ length: second }, (_, i) => i + 1).filter((n) => n < second && second % n === 0);
    return {
      steps: [...within, ...SECONDS.filter((s) => s >= 1).map((s) => s * second)],
      frameAt: (value) => value,
      textAt: (value) => timecode(Math.round(value), fps),
    };
  },
};

/**
 * 1, 2, 5, 10, 20, 50, ... times `unit`, up to half a million.
 * @param {number} unit @returns {number[]}
 */
function roundNumbers(unit) {
  return [1, 10, 100, 1000, 10_000, 100_000].flatMap((power) => [1, 2, 5].map((n) => n * power * unit));
}

/**
 * As few decimals as distinguish two neighbours; minutes from one minute on.
 * @param {number} value @param {number} step @returns {string}
 */
function secondsText(value, step) {
  const decimals = step >= 1 ? 0 : step >= 0.1 ? 1 : 2;
  if (value < 60 - 1e-9) return `${value.toFixed(decimals)} s`;
  const minutes = Math.floor((value + 1e-9) / 60);
  const seconds = (value - minutes * 60).toFixed(decimals);
  return `${minutes}:${seconds.padStart(decimals ? decimals + 3 : 2, "0")}`;
}
