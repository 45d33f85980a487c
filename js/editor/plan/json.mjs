// @ts-check
// JSON for people: read with the place of a mistake, written on one line as Python's json.dumps writes it.

import { PlanError } from "./errors.mjs";

/**
 * Whether a value is a JSON object: neither null nor a list.
 * @param {any} value @returns {value is Record<string, any>}
 */
export const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Whether a value is a whole number. JSON read by a browser no longer knows 7 from 7.0: both are.
 * @param {any} value @returns {value is number}
 */
export const isWhole = (value) => Number.isInteger(value);

/**
 * JSON text as values. Throws PlanError saying where it is wrong; `name` is what the text is, such as "edit".
 * @param {any} text @param {string} name @returns {any}
 */
export function parseJson(text, name) {
  if (typeof text !== "string") throw new PlanError(`The ${name} is ${shown(text)}; give it as JSON text.`);
  const bare = text.replace(/^\ufeff+/, "");
  const refuseInfinite = (/** @type {string} */ _, /** @type {any} */ value) => {
    if (typeof value === "number" && !Number.isFinite(value)) throw new RangeError();
    return value;
  };
  try {
    return JSON.parse(bare, refuseInfinite);
  } catch {
    throw new PlanError(whyNot(bare, name));
  }
}

/**
 * A value as one line of JSON with the spaces that Python puts: {"a": [1, 2]}.
 * @param {any} value @returns {string}
 */
export function toLine(value) {
  if (Array.isArray(value)) return `[${value.map(toLine).join(", ")}]`;
  if (!isObject(value)) return JSON.stringify(value ?? null);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}: ${toLine(member)}`).join(", ")}}`;
}

/**
 * A value as a message quotes it: as JSON writes it, and short, whatever it is.
 * @param {any} value @returns {string}
 */
export function shown(value) {
  if (Number.isInteger(value) && Math.abs(value) >= 1e12) return "a number of more than 12 digits";
  let text = String(value);
  try {
    if (typeof value !== "number" && value !== undefined) text = toLine(value);
  } catch {
    text = "a list too deep to read";
  }
  const characters = [...text];
  return characters.length <= 40 ? text : `${characters.slice(0, 37).join("")}...`;
}

/**
 * Whether two JSON values say the same; the order of an object's fields says nothing.
 * @param {any} a @param {any} b @returns {boolean}
 */
export function sameJson(a, b) {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, i) => sameJson(item, b[i]));
  if (!isObject(a) || !isObject(b)) return a === b;
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  return names.every((name) => Object.hasOwn(b, name) && sameJson(a[name], b[name]));
}

/** @param {string} text @param {string} name @returns {string} */
function whyNot(text, name) {
  let fault = null;
  try {
    fault = faultIn(text);
  } catch {
    // nested too deep for this as well
  }
  if (!fault) {
    return (
      `The ${name} holds a number too long or lists too deep to read; correct it or clear the text. ` +
      "Nothing was changed."
    );
  }
  if (fault.constant) {
    return `The ${name} contains ${fault.constant}, which is no finite number; write a number.`;
  }
  const lines = text.slice(0, fault.at).split("\n");
  const column = [...lines[lines.length - 1]].length + 1;
  return (
    `The ${name} is not valid JSON at line ${lines.length}, column ${column} (${fault.expected}); ` +
    "correct it there or clear the text. Nothing was changed."
  );
}

/** @typedef {{ at: number, expected: string, constant: string | null }} Fault where text stops being JSON, and why */

const SPACE = /[ \t\n\r]*/y;
const SCALAR = /true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids them in texts
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const CONSTANT = /NaN|-?Infinity/y;

/**
 * Where text stops being JSON: {at, expected, constant}, null if it does not. Browsers word this each in their own
 * way, or not at all.
 * @param {string} text @returns {Fault | null}
 */
function faultIn(text) {
  let at = 0;
  const take = (/** @type {RegExp} */ pattern) => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    at += found?.length ?? 0;
    return found;
  };
  const skip = (/** @type {string} */ character) => {
    take(SPACE);
    if (text[at] !== character) return false;
    at += 1;
    return true;
  };
  // each of these returns the fault that it met, or null
  const fault = (/** @type {string} */ expected) => ({ at, expected, constant: /** @type {string | null} */ (null) });
  const string = (/** @type {string} */ expected) => {
    take(SPACE);
    if (take(STRING) !== undefined) return null;
    return fault(text[at] === '"' ? "a text that is not closed or not escaped" : expected);
  };
  const list = (/** @type {string} */ end, /** @type {() => Fault | null} */ member) => {
    if (skip(end)) return null;
    do {
      const found = member();
      if (found) return found;
    } while (skip(","));
    return skip(end) ? null : fault(`expected a comma or ${end}`);
  };
  const field = () => string("expected a name in double quotes") ?? (skip(":") ? value() : fault("expected a colon"));
  const value = () => {
    if (skip("[")) return list("]", value);
    if (skip("{")) return list("}", field);
    if (text[at] === '"') return string("");
    if (take(SCALAR) !== undefined) return null;
    return { ...fault("expected a value"), constant: take(CONSTANT) ?? null };
  };
  const found = value();
  take(SPACE);
  return found ?? (at < text.length ? fault("expected the end") : null);
}
