// @ts-check
// Frames as text: the mirror of frames_to_text and frames_from_text in keyframes/text.py.

import { PlanError } from "./errors.mjs";
import { MAX_N_FRAMES } from "./plan.mjs";

const EXAMPLE = 'write frames like "0, 7, 12" or a schedule like "0:(1.0), 7:(0.5)".';

/**
 * Frames as "0, 7, 12".
 * @param {number[]} frames @returns {string}
 */
export const framesText = (frames) => frames.join(", ");

/**
 * Ascending frames from a list ("0, 7, 12") or a schedule ("0:(1.0), 7:(0.5)"). Throws PlanError.
 * @param {string} text @returns {number[]}
 */
export function framesFrom(text) {
  const frames = wordsOf(text).map(frameOf);
  for (let i = 1; i < frames.length; i++) {
    const [earlier, later] = [frames[i - 1], frames[i]];
    if (later === earlier) throw new PlanError(`The list of frames has ${later} twice; delete one of them.`);
    if (later < earlier) {
      throw new PlanError(`The list of frames has ${later} after ${earlier}; put the frames in order of time.`);
    }
  }
  return frames;
}

/**
 * The entry of a frame in a list or schedule, as written. Throws PlanError if there is nothing.
 * @param {string} text @returns {string[]}
 */
export function wordsOf(text) {
  let list = text.trim().replace(/^\ufeff+/, "");
  if (list.includes(":")) return scheduleWords(list);
  if (list.startsWith("[") && list.endsWith("]")) list = list.slice(1, -1);
  const words = list.split(/[\s,;]+/).filter(Boolean);
  if (!words.length) throw new PlanError(`The list of frames is empty; ${EXAMPLE}`);
  return words;
}

/**
 * The frame that a word means. Throws PlanError.
 * @param {string} word @returns {number}
 */
export function frameOf(word) {
  if (/^[0-9]{1,12}$/.test(word) && Number(word) < MAX_N_FRAMES) return Number(word);
  throw new PlanError(
    `${quoted(word)} in the list of frames is not a whole number from 0 to ${MAX_N_FRAMES - 1}; ${EXAMPLE}`,
  );
}

/**
 * The words before each ":(...)"; the value in the brackets may be any expression.
 * @param {string} text @returns {string[]}
 */
function scheduleWords(text) {
  const words = [];
  for (let rest = text; rest; ) {
    const colon = rest.indexOf(":");
    const word = colon < 0 ? rest : rest.slice(0, colon);
    const value = colon < 0 ? "" : rest.slice(colon + 1).trimStart();
    const end = closingBracket(value);
    if (!end) throw new PlanError(`The schedule has no value in round brackets after ${quoted(word)}; ${EXAMPLE}`);
    words.push(word.trim());
    rest = value.slice(end + 1).replace(/^[ \t\r\n,;]+/, "");
  }
  return words;
}

/**
 * Where the round bracket that text opens with is closed; 0 if there is none.
 * @param {string} text @returns {number}
 */
function closingBracket(text) {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "(") depth += 1;
    if (text[i] === ")") depth -= 1;
    if (depth <= 0) return i;
  }
  return 0;
}

/** @param {string} word @returns {string} */
function quoted(word) {
  const characters = [...word.trim()];
  return characters.length <= 40 ? `"${characters.join("")}"` : `"${characters.slice(0, 37).join("")}..."`;
}
