// @ts-check
// Notes on the timeline: the words of a song, names of sections, what to remember. Nothing is rendered of them.
//
// They are a property of the node and no input of it: the workflow keeps them, undo knows them, and a prompt does not
// have them, so that no keyframe is painted again because of a note. They are in seconds, which another rate or length
// of the clip does not change; those past its end are kept and not seen.
//
//     {"version": 1, "notes": [{"time_s": 1.25, "text": "first verse"}, ...]}

import { isObject, isWhole } from "../plan/json.mjs";
import { areNotes } from "../plan/markers.mjs";

/** @import { Note } from "../plan/markers.mjs" */
/** @import { Host, ShowMessage } from "./session.mjs" */

/** @typedef {{ notes: Note[], problem: string, extra: Record<string, any> }} Read problem: why they are not to be touched */

const VERSION = 1;
const NEWER = "The notes of this node were written by a newer version of KeyVID; update it to see them. They are kept.";
const BROKEN = "The notes of this node cannot be read, so they are kept as they are; delete its property keyvid_notes.";

/**
 * What is kept as a node's notes, in order of time; never throws.
 * @param {any} value @returns {Read}
 */
export function readNotes(value) {
  if (value === null || value === undefined) return { notes: [], problem: "", extra: {} };
  const problem = isObject(value) && isWhole(value.version) && value.version > VERSION ? NEWER : BROKEN;
  if (!isObject(value) || value.version !== VERSION || !areNotes(value.notes)) {
    return { notes: [], problem, extra: {} };
  }
  const { version, notes, ...extra } = value;
  return { notes: inOrder(notes), problem: "", extra };
}

/** @param {Note[]} notes @returns {Note[]} */
const inOrder = (notes) => [...notes].sort((a, b) => a.time_s - b.time_s);

/**
 * What a host keeps, read once for each value; and what writes over it.
 * @param {{ host: Pick<Host, "notes" | "keepNotes">, showMessage: ShowMessage }} parts
 */
function keeper({ host, showMessage }) {
  /** @type {any} */
  let raw;
  let read = readNotes(null);

  function current() {
    const now = host.notes?.() ?? null;
    if (now !== raw) [raw, read] = [now, readNotes(now)];
    return read;
  }

  /** @param {Note[]} notes @param {string} [message] */
  function write(notes, message = "") {
    const { problem, extra } = current();
    if (problem) return showMessage(problem, true);
    const isEmpty = !notes.length && !Object.keys(extra).length;
    host.keepNotes?.(isEmpty ? null : { version: VERSION, notes, ...extra });
    if (message) showMessage(message, false);
  }
  return { current, write };
}

/** @typedef {ReturnType<typeof createNotes>} Notes */

/**
 * The notes of one editor's node. What is written is one step of undo.
 * @param {{ host: Pick<Host, "notes" | "keepNotes">, showMessage: ShowMessage }} parts
 */
export function createNotes(parts) {
  const { current, write } = keeper(parts);
  /** Of a drag under way. @type {Note[] | null} */
  let preview = null;

  return {
    /** In order of time, those of a drag under way included. @returns {Note[]} */
    list: () => preview ?? current().notes,
    /** Why they are not to be touched, or "". */
    problem: () => current().problem,
    /** @param {Note} note @param {Note | null} [instead] which goes; blank text takes a note away */
    put(note, instead = null) {
      const others = current().notes.filter((one) => one !== instead);
      const text = note.text.trim();
      if (!text && !instead) return;
      write(text ? inOrder([...others, { ...note, text }]) : others, text ? "" : "Deleted the note.");
    },
    /** @param {Note} note */
    remove: (note) =>
      write(
        current().notes.filter((one) => one !== note),
        "Deleted the note.",
      ),
    /** Many at once, as an import brings them; one that is there already is not put there again. @param {Note[]} more */
    add(more) {
      const { notes } = current();
      const isNew = (/** @type {Note} */ a) =>
        !notes.some((b) => b.text === a.text && Math.abs(b.time_s - a.time_s) < 1e-3);
      const news = more.filter(isNew);
      if (news.length) write(inOrder([...notes, ...news]));
    },
    /** Shows a note elsewhere, as a drag does. @param {Note} note @param {number} timeS */
    preview(note, timeS) {
      preview = inOrder(current().notes.map((one) => (one === note ? { ...note, time_s: timeS } : one)));
    },
    /** Ends the drag: what it shows is written, or nothing. @param {boolean} isKept */
    settle(isKept) {
      if (isKept && preview) write(preview);
      preview = null;
    },
  };
}
