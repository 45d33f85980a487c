// @ts-check
// Text on the canvas that never covers other text.

/** @import { Theme } from "./theme.mjs" */

/** @typedef {{ left: number, right: number, widths: number[], parts: [string, string][] }} Chip in pixels; parts: text, colour */

const CHIP_PADDING = 6;
// a letter of a script without spaces, with the marks behind it that may not begin a line; or letters up to the next
const WORDS =
  /(\s*)([\p{sc=Han}\p{sc=Hira}\p{sc=Kana}][、。，；：！？」”）]*|[^\s\p{sc=Han}\p{sc=Hira}\p{sc=Kana}]+)/gu;

/**
 * A row of labels `width` pixels wide: `claim(left, right)` returns whether the place was still free, and takes it.
 * @param {number} width @returns {(left: number, right: number) => boolean}
 */
export function freeRow(width) {
  const taken = new Uint8Array(Math.max(1, Math.ceil(width)));
  return function claim(left, right) {
    const first = Math.max(0, Math.floor(left));
    const last = Math.min(taken.length, Math.ceil(right));
    for (let x = first; x < last; x++) if (taken[x]) return false;
    taken.fill(1, first, last);
    return true;
  };
}

/**
 * The CSS font of a size in pixels, in the theme's family.
 * @param {Theme} theme @param {number} size @param {number} [weight] @returns {string}
 */
export function fontOf(theme, size, weight = 400) {
  return `${weight} ${size}px ${theme.font}`;
}

/**
 * Text in lines no wider than `width` pixels, in the context's current font; broken between words, in Chinese and
 * Japanese between letters.
 * @param {CanvasRenderingContext2D} context @param {string} text @param {number} width @returns {string[]}
 */
export function wrapped(context, text, width) {
  /** @type {string[]} */
  const lines = [];
  for (const [, space, word] of text.matchAll(WORDS)) {
    const longer = lines.length ? `${lines.at(-1)}${space && " "}${word}` : word;
    if (lines.length && context.measureText(longer).width <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

/**
 * Where a chip is, a rounded label centred on x and pushed inwards at the edges: {left, right, widths, parts}.
 *
 * parts: [text, colour] one after another; measured in the context's current font.
 * @param {CanvasRenderingContext2D} context @param {[string, string][]} parts @param {number} x @param {number} width
 * @returns {Chip}
 */
export function chipAt(context, parts, x, width) {
  const widths = parts.map(([text]) => context.measureText(text).width);
  const total = widths.reduce((sum, one) => sum + one, 0) + 2 * CHIP_PADDING;
  const left = Math.max(2, Math.min(width - total - 2, x - total / 2));
  return { left, right: left + total, widths, parts };
}

/**
 * Draws a chip of `chipAt`, in the same font.
 * @param {CanvasRenderingContext2D} context @param {Chip} chip
 * @param {{ y: number, height: number, fill: string, line?: string | null }} look
 */
export function drawChip(context, { left, right, widths, parts }, { y, height, fill, line = null }) {
  context.beginPath();
  context.roundRect(left, y, right - left, height, 4);
  context.fillStyle = fill;
  context.fill();
  if (line) {
    context.strokeStyle = line;
    context.lineWidth = 1;
    context.stroke();
  }
  context.textAlign = "left";
  context.textBaseline = "middle";
  let at = left + CHIP_PADDING;
  parts.forEach(([text, colour], i) => {
    context.fillStyle = colour;
    context.fillText(text, at, y + height / 2 + 0.5);
    at += widths[i];
  });
}
