// @ts-check
// Markers of other programs: edit decision lists (EDL: Resolve, Premiere, Avid) and the tables of Reaper, Audition and
// Premiere. A marker's name is free text; what this editor wrote into one (kind, lock) is read again.

import { PlanError } from "./errors.mjs";
import { isObject } from "./json.mjs";
import { EDIT, KINDS, newKeyframe } from "./plan.mjs";
import { frameAt, timeAt } from "./timebase.mjs";

/** @import { Keyframe } from "./plan.mjs" */

/** @typedef {{ time_s: number, text: string }} Note */
/** @typedef {{ frame: number, name: string }} Marker */

const NOTE = "note:"; // before the text of a note in the name of a marker
const LOCKED = " (locked)"; // after the kind in the name of a marker
const HOUR_S = 3600; // editing programs let a timeline begin at 01:00:00:00
const CODE = "([0-9]{1,2})[:;]([0-9]{2})[:;]([0-9]{2})[:;]([0-9]{2,3})"; // drop-frame has semicolons, or one
const LOC = new RegExp(`^\\*\\s*LOC:\\s*${CODE}(?:\\s+\\S+)?(?:\\s+(.*))?$`, "i"); // Avid, Premiere: time, colour, name
const EVENT = new RegExp(`^[0-9]+\\s.*\\s${CODE}\\s+\\S+\\s*$`); // the third of an event's four times is on the timeline
const NAME = /\|M:([^|]*)/; // Resolve, on the line below its event

/**
 * What a marker is called: the keyframe's kind, and whether it is locked.
 * @param {Keyframe} keyframe @returns {string}
 */
export const markerName = ({ kind, locked }) => kind + (locked ? LOCKED : "");

/**
 * The keyframe of a marker.
 * @param {number} frame @param {string} name @returns {Keyframe}
 */
export function keyframeOfMarker(frame, name) {
  const isLocked = name.endsWith(LOCKED);
  const kind = isLocked ? name.slice(0, -LOCKED.length) : name;
  const isOurs = KINDS.includes(kind) && kind !== "first";
  return { ...newKeyframe(frame, frame === 0 ? "first" : isOurs ? kind : "manual", EDIT), locked: isLocked };
}

/**
 * Whether a value is a note: a time in seconds, and words.
 * @param {any} value @returns {value is Note}
 */
export function isNote(value) {
  if (!isObject(value) || typeof value.text !== "string" || !value.text.trim()) return false;
  return Number.isFinite(value.time_s) && value.time_s >= 0;
}

/**
 * Keyframes and notes as markers, in order of time; of two at one frame the keyframe first.
 * @param {Keyframe[]} keyframes @param {Note[]} notes @param {number} fps @returns {Marker[]}
 */
export function markersOf(keyframes, notes, fps) {
  const worded = notes.filter(({ text }) => oneLine(text));
  const texts = worded.map(({ time_s, text }) => ({ frame: frameAt(time_s, fps), name: `${NOTE} ${oneLine(text)}` }));
  const all = [...keyframes.map((keyframe) => ({ frame: keyframe.frame, name: markerName(keyframe) })), ...texts];
  return all.sort((a, b) => a.frame - b.frame);
}

/**
 * A field of a table, in quotes where it needs them.
 * @param {string} text @returns {string}
 */
export const cell = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** @param {string} text @returns {string} without what ends a field in the files of other programs */
export const oneLine = (text) => text.replace(/[\s|]+/g, " ").trim();

/**
 * Keyframes and notes of markers. A note that this editor wrote is one; the name that another program gave to a marker
 * is kept as a note beside the keyframe.
 * @param {Marker[]} markers @param {number} fps @returns {{ keyframes: Keyframe[], texts: Note[] }}
 */
export function readMarkers(markers, fps) {
  /** @type {Keyframe[]} */
  const keyframes = [];
  /** @type {Note[]} */
  const texts = [];
  for (const { frame, name } of markers) {
    const isNote = /^note:(\s|$)/.test(name);
    const text = isNote ? name.slice(NOTE.length).trim() : name;
    if (!isNote) keyframes.push(keyframeOfMarker(frame, name));
    if (text && frame >= 0 && (isNote || !isOwnName(name))) texts.push({ time_s: timeAt(frame, fps), text });
  }
  return { keyframes, texts };
}

/** @param {string} name @returns {boolean} whether it is what this editor calls a keyframe */
export const isOwnName = (name) => KINDS.includes(name.endsWith(LOCKED) ? name.slice(0, -LOCKED.length) : name);

/**
 * Markers as Resolve's, on a timeline that begins at 01:00:00:00.
 * @param {Marker[]} markers @param {number} fps @returns {string}
 */
export function edlText(markers, fps) {
  const code = (/** @type {number} */ frame) => longCode(frame + HOUR_S * Math.round(fps), fps);
  const events = markers.map(({ frame, name }, i) => {
    const [from, to] = [code(frame), code(frame + 1)];
    const event = `${String(i + 1).padStart(3, "0")}  001      V     C        ${from} ${to} ${from} ${to}`;
    return `${event}  \n |C:ResolveColorBlue |M:${name} |D:1\n`;
  });
  return `TITLE: KeyVID keyframes\nFCM: NON-DROP FRAME\n\n${events.join("\n")}`;
}

/**
 * Whether a text is an edit decision list.
 * @param {string} text @returns {boolean}
 */
export const isEdl = (text) => /^(TITLE:|FCM:|\*\s*LOC:)/im.test(text) && new RegExp(CODE).test(text);

/** @typedef {{ code: string[], name: string | null }} Mark code: hours, minutes, seconds, frames */

/**
 * The markers of an edit decision list, or where there are none the beginnings of its shots. It does not say its
 * rate: frames are counted at `fps`. Where all are past a whole hour, the timeline begins with that hour.
 * Throws PlanError where there is nothing.
 * @param {string} text @param {number} fps @param {string[]} notes @returns {Marker[]}
 */
export function edlMarkers(text, fps, notes) {
  const marks = marksOf(text);
  if (!marks.length) throw new PlanError("The edit decision list has no markers and no shots; export the markers.");
  const isDrop = /FCM:\s*DROP/i.test(text) || /[0-9];[0-9]{2}/.test(text);
  const hour = Math.min(...marks.map(({ code }) => Number(code[0])));
  const start = frameOfCode([String(hour), "0", "0", "0"], fps, isDrop);
  if (hour > 1) notes.push(`The list begins at hour ${hour}; that was taken as frame 0.`);
  if (marks.some(({ code }) => Number(code[3]) >= Math.round(fps))) {
    notes.push(`The list counts more frames a second than this clip's ${fps}; export it at the clip's rate.`);
  }
  return marks.map(({ code, name }) => ({ frame: frameOfCode(code, fps, isDrop) - start, name: name ?? "" }));
}

/** @param {string} text @returns {Mark[]} */
function marksOf(text) {
  /** @type {Mark[]} */
  const events = [];
  /** @type {Mark[]} */
  const locators = [];
  for (const line of text.split(/\r\n?|\n/)) {
    const locator = LOC.exec(line.trim());
    const event = EVENT.exec(line.trim());
    const name = NAME.exec(line);
    if (locator) locators.push({ code: locator.slice(1, 5), name: locator[5] ?? "" });
    else if (event) events.push({ code: event.slice(1, 5), name: null });
    else if (name && events.length) events[events.length - 1].name = name[1].trim();
  }
  const named = [...locators, ...events.filter(({ name }) => name !== null)];
  return named.length ? named : events;
}

/**
 * Markers as the table that Reaper's Region/Marker Manager reads.
 * @param {Marker[]} markers @param {number} fps @returns {string}
 */
export function reaperText(markers, fps) {
  const rows = markers.map((m, i) => `M${i + 1},${cell(m.name)},${clock(timeAt(m.frame, fps))},,\n`);
  return `#,Name,Start,End,Length\n${rows.join("")}`;
}

/**
 * Markers as the table that Audition reads.
 * @param {Marker[]} markers @param {number} fps @returns {string}
 */
export function auditionText(markers, fps) {
  const row = (/** @type {Marker} */ { frame, name }) =>
    [name, clock(timeAt(frame, fps)), "0:00.000", "decimal", "Cue", ""].join("\t");
  const header = ["Name", "Start", "Duration", "Time Format", "Type", "Description"].join("\t");
  return `${[header, ...markers.map(row)].join("\n")}\n`;
}

/**
 * The frame of a position in a marker table: seconds, M:SS.mmm, H:MM:SS.mmm or timecode HH:MM:SS:FF; null for
 * anything else, such as measures and beats.
 * @param {string} text @param {number} fps @returns {number | null}
 */
export function framePosition(text, fps) {
  const code = new RegExp(`^${CODE}$`).exec(text);
  if (code) return frameOfCode(code.slice(1), fps, text.includes(";"));
  const found = /^(?:(?:([0-9]+):)?([0-9]+):)?([0-9]+(?:[.,][0-9]+)?)$/.exec(text);
  if (!found) return null;
  const [hours, minutes, seconds] = found.slice(1).map((part) => Number((part ?? "0").replace(",", ".")));
  return frameAt(hours * HOUR_S + minutes * 60 + seconds, fps);
}

/** @param {number} timeS @returns {string} M:SS.ssssss */
function clock(timeS) {
  const us = Math.round(timeS * 1e6);
  const minutes = Math.floor(us / 60e6);
  return `${minutes}:${((us - minutes * 60e6) / 1e6).toFixed(6).padStart(9, "0")}`;
}

/** @param {number} frame @param {number} fps @returns {string} HH:MM:SS:FF, without dropped numbers */
function longCode(frame, fps) {
  const perSecond = Math.round(fps);
  const seconds = Math.floor(frame / perSecond);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60, frame % perSecond];
  return parts.map((part) => String(part).padStart(2, "0")).join(":");
}

/**
 * The frame of a timecode. Drop-frame leaves out the numbers of 2 frames (4 at 59.94 fps) every minute but each tenth.
 * @param {string[]} code hours, minutes, seconds, frames @param {number} fps @param {boolean} isDrop @returns {number}
 */
function frameOfCode([h, m, s, f], fps, isDrop) {
  const perSecond = Math.round(fps);
  const minutes = Number(h) * 60 + Number(m);
  const dropped = isDrop ? Math.round(perSecond / 15) * (minutes - Math.floor(minutes / 10)) : 0;
  return (minutes * 60 + Number(s)) * perSecond + Number(f) - dropped;
}
