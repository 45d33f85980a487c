// @ts-check
// The artist's language: what the editor says is written in English where it happens, and translated where it is shown.
//
// A table (words/ko.json and so on) has the English texts of all modules, with {0}, {1} ... for what is put into them.
// Messages that Python has too, such as why an edit does not fit, are translated by the same table.

const MOST_KEPT = 500; // texts whose translation is remembered: the toolbar says the same at each repaint

/** @typedef {{ pattern: RegExp, translation: string, weight: number }} Sentence a text that something is put into */

/** @type {Map<string, string>} */
let exact = new Map();
/** @type {Sentence[]} */
let sentences = [];
/** @type {Map<string, string>} */
const known = new Map();

/**
 * Speaks a language from now on; what is on the page stays as it is.
 * @param {Record<string, string>} table English: translation; an empty one is English
 */
export function speak(table) {
  exact = new Map(Object.entries(table));
  known.clear();
  sentences = Object.entries(table)
    .filter(([english]) => english.includes("{0}"))
    .map(([english, translation]) => ({ ...patternOf(english), translation }))
    .sort((a, b) => b.weight - a.weight); // of several that fit, the one with the most words of its own
}

/**
 * A text of the editor in the artist's language; one that is not in the table, such as the artist's own, stays.
 * @param {string} english @returns {string}
 */
export function say(english) {
  if (!exact.size || !english) return english;
  const before = known.get(english);
  if (before !== undefined) return before;
  if (known.size >= MOST_KEPT) known.clear();
  const said = exact.get(english) ?? sentence(english) ?? english;
  known.set(english, said);
  return said;
}

/** @param {string} english @returns {string | undefined} */
function sentence(english) {
  for (const { pattern, translation } of sentences) {
    const found = pattern.exec(english);
    // what is put in may be words of the editor too: "frames 3 to 9"
    if (found) return translation.replace(/\{(\d)\}/g, (_, n) => say(found.groups?.[`g${n}`] ?? ""));
  }
  return undefined;
}

/** @param {string} english @returns {{ pattern: RegExp, weight: number }} */
function patternOf(english) {
  const parts = english.split(/\{(\d)\}/); // text, number, text, number, text
  const source = parts.map((part, i) => (i % 2 ? `(?<g${part}>.*?)` : part.replace(/[$()*+./?[\\\]^{|}-]/g, "\\$&")));
  const weight = parts.filter((_, i) => i % 2 === 0).join("").length;
  return { pattern: new RegExp(`^${source.join("")}$`, "s"), weight };
}
