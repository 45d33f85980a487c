// @ts-check
// Keyframes as files and as text for other programs, and back. Every way there and back keeps the frames; JSON keeps
// all of the plan.

import { PlanError } from "./errors.mjs";
import { frameOf, framesText, wordsOf } from "./frames_text.mjs";
import { isObject, parseJson } from "./json.mjs";
import {
  auditionText,
  cell,
  edlMarkers,
  edlText,
  framePosition,
  isEdl,
  isNote,
  markersOf,
  readMarkers,
  reaperText,
} from "./markers.mjs";
import { isMidi, midiFile, midiMarkers } from "./midi.mjs";
import { EDIT, KINDS, framesOf, newKeyframe, planFrom, withKeyframes, withOwn } from "./plan.mjs";
import { frameAt, distinctRates, sameRate, timeAt } from "./timebase.mjs";

/** @import { Note } from "./markers.mjs" */
/** @import { Keyframe, Plan } from "./plan.mjs" */

/** What exportFile writes and importFile recognizes by its content. `name` is for a menu, `file` for a saved one. */
export const FORMATS = [
  { format: "json", name: "Timing file (JSON)", file: "keyframes.json" },
  { format: "csv", name: "Table (CSV)", file: "keyframes.csv" },
  { format: "list", name: "Frames: 0, 7, 12", file: "keyframes.txt" },
  { format: "schedule", name: "Schedule: 0:(1.0), 7:(1.0)", file: "keyframes_schedule.txt" },
  { format: "audacity", name: "Audacity labels", file: "keyframes_labels.txt" },
  { format: "edl", name: "Markers for Resolve (EDL)", file: "keyframes.edl" },
  { format: "reaper", name: "Markers for Reaper (CSV)", file: "keyframes_reaper.csv" },
  { format: "audition", name: "Markers for Audition (CSV)", file: "keyframes_audition.csv" },
  { format: "midi", name: "MIDI notes and markers", file: "keyframes.mid" },
];

/** @typedef {"json" | "csv" | "list" | "schedule" | "audacity" | "edl" | "reaper" | "audition" | "midi"} Format */
/** @typedef {{ keyframes: Keyframe[], texts?: Note[], extra?: Record<string, any> }} Read texts: notes on the timeline */

const COLUMNS = ["frame", "time_s", "kind", "locked", "source", "prompt", "image"];
const LABEL = /^([0-9]+[.,][0-9]+)\t[0-9]+[.,][0-9]+(?:\t(.*))?$/; // Audacity always writes decimals

/**
 * The plan in one of the FORMATS; only MIDI is bytes. Notes go into those that have words for a time.
 * @param {Plan} plan @param {string} format @param {Note[]} [texts] @returns {string | Uint8Array<ArrayBuffer>}
 */
export function exportFile(plan, format, texts = []) {
  const { keyframes, fps } = plan;
  const inside = texts.filter(({ time_s }) => frameAt(time_s, fps) < plan.n_frames);
  const markers = markersOf(keyframes, inside, fps);
  const at = (/** @type {{ frame: number }} */ { frame }) => timeAt(frame, fps).toFixed(6);
  if (format === "json") {
    const notes = texts.length ? { notes: texts } : {};
    return `${JSON.stringify({ keyvid_timing: 1, plan, ...notes }, null, 1)}\n`;
  }
  if (format === "csv") {
    const own = (/** @type {Keyframe} */ { source, prompt = "", image = "" }) => [source, prompt, image].map(cell);
    const rows = keyframes.map((k) => [k.frame, at(k), k.kind, k.locked, ...own(k)]);
    return [COLUMNS, ...rows].map((row) => `${row.join(",")}\n`).join("");
  }
  if (format === "list") return framesText(framesOf(plan));
  if (format === "schedule") return keyframes.map(({ frame }) => `${frame}:(1.0)`).join(", ");
  if (format === "audacity") {
    return markers.map((m) => `${at(m)}\t${at(m)}\t${m.name}\n`).join("");
  }
  if (format === "edl") return edlText(markers, fps);
  if (format === "reaper") return reaperText(markers, fps);
  if (format === "audition") return auditionText(markers, fps);
  if (format === "midi") return midiFile(keyframes, inside, fps);
  throw new PlanError(`There is no format "${format}"; use one of ${FORMATS.map((f) => f.format).join(", ")}.`);
}

/**
 * A plan for the clip of `plan` from text or the bytes of a file in any of the FORMATS, or from a plan or edit document.
 * notes: messages about what could not be taken over as it was; texts: notes for the timeline. Throws PlanError if it
 * holds no keyframes at all.
 * @param {string | Uint8Array} file @param {{ plan: Plan }} options
 * @returns {{ plan: Plan, format: Format, notes: string[], texts: Note[] }}
 */
export function importFile(file, { plan }) {
  /** @type {string[]} */
  const notes = [];
  const { format, keyframes, extra, texts = [] } = readFile(file, plan, notes);
  const result = withKeyframes({ ...plan, ...extra }, fitted(keyframes, plan, notes));
  if (result.count !== plan.count) {
    notes.push(`The plan has ${result.count} keyframes now; it had ${plan.count}.`);
  }
  return { plan: result, format, notes, texts };
}

const EXPECTED =
  'give a timing file, a table with a column "frame", "time_s" or "Start", Audacity labels, an EDL, a MIDI file, ' +
  "or frames such as 0, 7, 12.";

/** @param {string | Uint8Array} file @param {Plan} plan @param {string[]} notes @returns {Read & { format: Format }} */
function readFile(file, plan, notes) {
  if (typeof file !== "string" && isMidi(file)) {
    return { format: "midi", ...midiMarkers(file, plan.fps) };
  }
  const text = typeof file === "string" ? file : decoded(file);
  const bare = text.replace(/^\ufeff+/, "").trim();
  if (!bare) throw new PlanError(`The text is empty; ${EXPECTED}`);
  const format = formatOf(bare);
  /** @type {Record<string, (text: string, plan: Plan, notes: string[]) => Read>} */
  const readers = {
    json: fromJson,
    csv: fromCsv,
    list: fromWords,
    schedule: fromWords,
    audacity: fromAudacity,
    edl: (list, { fps }) => readMarkers(edlMarkers(list, fps, notes), fps),
    reaper: fromMarkers,
    audition: fromMarkers,
  };
  return { format, ...readers[format](bare, plan, notes) };
}

/** @param {Uint8Array} bytes @returns {string} UTF-16 where a file begins as such, as Premiere's tables do; else UTF-8 */
function decoded(bytes) {
  const encoding = bytes[0] === 0xff && bytes[1] === 0xfe ? "utf-16le" : bytes[0] === 0xfe ? "utf-16be" : "utf-8";
  return new TextDecoder(encoding).decode(bytes);
}

/** @param {string} text @returns {Format} */
function formatOf(text) {
  const lines = text.split(/\r\n?|\n/);
  if (text.startsWith("{")) return "json";
  if (LABEL.test(lines[0])) return "audacity";
  if (/(^|[,;\t"])(frame|time_s)($|[,;\t"])/i.test(lines[0].replaceAll(" ", ""))) return "csv";
  if (isEdl(text)) return "edl"; // behind tables, whose words may be anything
  if (/^#\s*[,;\t]/.test(lines[0])) return "reaper";
  if (POSITIONS.some((name) => new RegExp(`(^|[,;\t"])${name}($|[,;\t"])`, "i").test(lines[0]))) return "audition";
  if (/^\[?\s*[0-9]/.test(text)) return text.includes(":") ? "schedule" : "list";
  throw new PlanError(`This text cannot be imported; ${EXPECTED}`);
}

/** @param {string} text @param {Plan} plan @param {string[]} notes @returns {Read} */
function fromJson(text, plan, notes) {
  const document = parseJson(text, "file");
  const found = isObject(document) && isObject(document.plan) ? document.plan : document;
  if (!isObject(found) || !Object.hasOwn(found, "keyframes")) {
    throw new PlanError("The file holds no plan; choose one saved from this editor or by Save Timing.");
  }
  const other = planFrom(found);
  const { version, fps, n_frames, count, fingerprint, keyframes, ...extra } = other;
  const texts = notesIn(document, notes);
  if (sameRate(fps, plan.fps, Math.max(n_frames, plan.n_frames))) return { keyframes, texts, extra };
  const [ofFile, ofClip] = distinctRates(fps, plan.fps);
  notes.push(`The file is for ${ofFile} fps, and this clip has ${ofClip}; the keyframes kept their times.`);
  return { keyframes: keyframes.map((k) => ({ ...k, frame: frameAt(timeAt(k.frame, fps), plan.fps) })), texts, extra };
}

/** @param {Record<string, any>} document @param {string[]} notes @returns {Note[]} */
function notesIn(document, notes) {
  const found = Array.isArray(document.notes) ? document.notes : [];
  const texts = found.filter(isNote);
  const nOdd = found.length - texts.length;
  if (nOdd) notes.push(`${nOdd} notes without a time or without words were left out.`);
  return texts;
}

/** @param {string} text @param {Plan} plan @param {string[]} notes @returns {Read} */
function fromCsv(text, plan, notes) {
  const [header, ...rows] = table(text);
  const columns = header.map((name) => name.trim().toLowerCase());
  const keyframes = rows.map((row, i) => {
    const at = Object.fromEntries(columns.map((name, j) => [name, row[j]?.trim() ?? ""]));
    const timeS = Number((at.time_s ?? "").replace(",", ".") || NaN);
    const frame = /^[0-9]+$/.test(at.frame ?? "") ? Number(at.frame) : frameAt(timeS, plan.fps);
    if (!Number.isFinite(frame)) {
      throw new PlanError(
        `Row ${i + 2} of the table has no frame: "${row.join(",").slice(0, 40)}"; write a whole number into the ` +
          "column frame, or seconds into time_s.",
      );
    }
    const isLocked = /^(true|1|yes)$/i.test(at.locked ?? "");
    const keyframe = newKeyframe(frame, kindFrom(at.kind, frame, notes), at.source || EDIT);
    return withOwn({ ...keyframe, locked: isLocked }, { prompt: at.prompt, image: at.image });
  });
  return { keyframes };
}

/** Columns that say where a marker is: Reaper's and Audition's, Premiere's. */
const POSITIONS = ["start", "in"];

/** @param {string} text @param {Plan} plan @returns {Read} */
function fromMarkers(text, plan) {
  const [header, ...rows] = table(text);
  const columns = header.map((name) => name.trim().toLowerCase());
  const name = columns.findIndex((column) => column === "name" || column === "marker name");
  const position = columns.findIndex((column) => POSITIONS.includes(column));
  const unit = columns.indexOf("time format"); // Audition's
  const markers = rows.map((row, i) => {
    const at = row[position]?.trim() ?? "";
    const frame = framePosition(at, plan.fps);
    if (frame === null || (unit >= 0 && !/^decimal$/i.test(row[unit]?.trim() ?? ""))) {
      throw new PlanError(
        `Row ${i + 2} of the table begins at "${at.slice(0, 20)}", which is no time; set the other program to ` +
          "minutes and seconds, and export again.",
      );
    }
    return { frame, name: row[name]?.trim() ?? "" };
  });
  return readMarkers(markers, plan.fps);
}

/** @param {string} text @returns {Read} */
function fromWords(text) {
  const frames = wordsOf(text).map(frameOf);
  return { keyframes: frames.map((frame) => newKeyframe(frame, frame ? "manual" : "first", EDIT)) };
}

/** @param {string} text @param {Plan} plan @returns {Read} */
function fromAudacity(text, plan) {
  // lines that begin with a backslash hold the frequencies of the label before
  const lines = text.split(/\r\n?|\n/).filter((line) => line.trim() && !line.startsWith("\\"));
  const markers = lines.map((line, i) => {
    const found = LABEL.exec(line.trimEnd());
    if (!found) throw new PlanError(`Line ${i + 1} is no Audacity label: "${line.slice(0, 40)}"; delete it.`);
    return { frame: frameAt(Number(found[1].replace(",", ".")), plan.fps), name: (found[2] ?? "").trim() };
  });
  return readMarkers(markers, plan.fps);
}

/** @param {string | undefined} name @param {number} frame @param {string[]} notes @returns {string} */
function kindFrom(name, frame, notes) {
  if (frame === 0) return "first";
  const kind = (name ?? "").toLowerCase();
  if (kind === "" || (KINDS.includes(kind) && kind !== "first")) return kind || "manual";
  notes.push(`The keyframe at frame ${frame} has kind "${name}", which there is none of here; it became manual.`);
  return "manual";
}

/**
 * The keyframes inside the clip, frame 0 among them and each frame once; what was left out goes to notes.
 * @param {Keyframe[]} keyframes @param {Plan} plan @param {string[]} notes @returns {Keyframe[]}
 */
function fitted(keyframes, plan, notes) {
  const inside = keyframes.filter(({ frame }) => frame >= 0 && frame < plan.n_frames);
  const nOutside = keyframes.length - inside.length;
  if (nOutside) notes.push(`${nOutside} outside the clip of ${plan.n_frames} frames ${wasOrWere(nOutside)} left out.`);
  if (nOutside && inside.length < 2) {
    throw new PlanError(
      `${nOutside} of ${keyframes.length} ${nOutside === 1 ? "keyframe lies" : "keyframes lie"} outside the clip of ${plan.n_frames} frames, and a plan needs 2 keyframes ` +
        "or more; export the stretch that this clip is of, so that it begins at 0.",
    );
  }
  const byFrame = new Map();
  for (const keyframe of inside) if (!byFrame.has(keyframe.frame)) byFrame.set(keyframe.frame, keyframe);
  const nTwice = inside.length - byFrame.size;
  if (nTwice) notes.push(`${nTwice} on a frame that has a keyframe already ${wasOrWere(nTwice)} left out.`);
  if (!byFrame.has(0)) {
    byFrame.set(0, plan.keyframes[0]);
    notes.push("Frame 0 was added: the video starts with it.");
  }
  return [...byFrame.values()];
}

/**
 * The rows of a table whose fields are parted by the separator that its first line has: a tab, semicolon or comma.
 * @param {string} text @returns {string[][]}
 */
function table(text) {
  const separator = /[\t;,]/.exec(text.split(/\r|\n/)[0])?.[0] ?? ",";
  /** @type {string[][]} */
  const rows = [[]];
  const plainText = `([^"\\r\\n${separator}][^\\r\\n${separator}]*)?`;
  const field = new RegExp(`(?:"((?:[^"]|"")*)"|${plainText})(${separator}|\\r\\n?|\\n|$)`, "y");
  for (let end = "start"; end !== ""; ) {
    const found = field.exec(text);
    if (!found) throw new PlanError("The table has a text in quotes that is not closed; close or delete the quotes.");
    const [, inQuotes, plain = "", after] = found;
    rows[rows.length - 1].push(inQuotes === undefined ? plain : inQuotes.replaceAll('""', '"'));
    end = after;
    if (end !== "" && end !== separator) rows.push([]);
  }
  return rows.filter((row) => row.some((entry) => entry.trim()));
}

/** @param {number} n @returns {string} */
const wasOrWere = (n) => (n === 1 ? "was" : "were");
