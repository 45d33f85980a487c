// @ts-check
// The row of notes: each begins at its time and has the room up to the next one.

import { MARGIN, frameToX } from "./geometry.mjs";
import { chipAt, drawChip, fontOf } from "./labels.mjs";
import { say } from "../words.mjs";
import { hairline, snapToPixel } from "./waveform.mjs";

/** @import { FullScene } from "./draw.mjs" */
/** @import { View } from "./geometry.mjs" */

const SIZE = 11; // pixels of a letter's height
const LETTER = 7.5; // of its width, where it is not measured
const INSET = 5; // from the line of a note to its first letter
const MOST_LETTERS = 80; // of a note in a hint

/** @typedef {{ frame: number, text: string }} FrameNote frame: a float */

/**
 * From where to where each note is drawn and takes a click, in pixels; with its own or the next one's line between.
 * @param {FrameNote[]} notes in order of time @param {View} view @param {number} width @returns {[number, number][]}
 */
export function noteSpans(notes, view, width) {
  const starts = notes.map(({ frame }) => frameToX(frame, view, width));
  return notes.map(({ text }, i) => {
    const wanted = starts[i] + INSET + Math.max(3, [...text].length) * LETTER;
    return [starts[i], Math.min(wanted, starts[i + 1] ?? Infinity)];
  });
}

/**
 * Draws the notes in their band, or why they cannot be read. Of several at one place the words stand one after another.
 * @param {CanvasRenderingContext2D} context @param {FullScene} scene
 */
export function drawNotes(context, { boxes, notes, notesProblem, view, width, theme, ratio, hover }) {
  const { y, height } = boxes.notes;
  if (!height) return;
  context.font = fontOf(theme, SIZE);
  context.textAlign = "left";
  context.textBaseline = "middle";
  const middle = y + height / 2 + 0.5;
  if (notesProblem) {
    context.fillStyle = theme.text;
    context.fillText(cut(context, say(notesProblem), width - 2 * MARGIN), MARGIN, middle);
    return;
  }
  const spans = noteSpans(notes, view, width);
  let words = "";
  for (const [i, [left, right]] of spans.entries()) {
    const next = spans[i + 1]?.[0] ?? width;
    words = words ? `${words} / ${notes[i].text}` : notes[i].text;
    if (next - left < 1) continue; // the next one is at the same place
    if (left <= width && right >= 0) {
      context.fillStyle = theme.accent;
      context.fillRect(snapToPixel(left, ratio, 1.5), y + 2, hairline(ratio, 1.5), height - 4);
      context.fillStyle = hover?.note === i ? theme.text : theme.dim;
      context.fillText(cut(context, words, next - left - INSET - 3), left + INSET, middle);
    }
    words = "";
  }
}

/**
 * The whole of the note under the pointer, where its row has cut it.
 * @param {CanvasRenderingContext2D} context @param {FullScene} scene
 */
export function drawNoteHint(context, { boxes, notes, view, width, theme, hover }) {
  const note = hover?.part === "note" ? notes[hover.note ?? -1] : undefined;
  if (!note || !boxes.notes.height) return;
  const letters = [...note.text.replace(/\s+/g, " ")];
  const text = letters.length > MOST_LETTERS ? `${letters.slice(0, MOST_LETTERS - 1).join("")}…` : letters.join("");
  context.font = fontOf(theme, SIZE, 500);
  const chip = chipAt(context, [[text, theme.text]], frameToX(note.frame, view, width), width);
  drawChip(context, chip, {
    y: boxes.notes.y + boxes.notes.height + 3,
    height: 20,
    fill: theme.chip,
    line: theme.line,
  });
}

/**
 * As much of a text as has room, in the context's font.
 * @param {CanvasRenderingContext2D} context @param {string} text @param {number} room in pixels @returns {string}
 */
function cut(context, text, room) {
  const letters = [...text.replace(/\s+/g, " ")].slice(0, 4 * MOST_LETTERS);
  const widthOf = (/** @type {string} */ part) => context.measureText(part).width;
  if (room < LETTER) return "";
  if (widthOf(letters.join("")) <= room) return letters.join("");
  let [fits, tooMany] = [0, letters.length];
  while (tooMany - fits > 1) {
    const half = (fits + tooMany) >> 1;
    if (widthOf(`${letters.slice(0, half).join("")}…`) <= room) fits = half;
    else tooMany = half;
  }
  return fits ? `${letters.slice(0, fits).join("")}…` : "";
}
