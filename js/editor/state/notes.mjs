// @ts-check
// Notes on the timeline: the words of a song, names of sections, what to remember. Nothing is rendered of them.
//
// They are a property of the node and no input of it: the workflow keeps them, undo knows them, and a prompt does not
// have them, so that no keyframe is painted again because of a note. They are in seconds, which another rate or length
// of the clip does not change; those past its end are kept and not seen.
//
//     {"version": 1, "notes": [{"time_s": 1.25, "text": "first verse"}, ...]}

import { isObject, isWhole } from "../plan/json.mjs";
import { isNote, oneLine } from "../plan/markers.mjs";
import { frameAt } from "../plan/timebase.mjs";

/** @import { Note } from "../plan/markers.mjs" */
/** @import { Host, ShowMessage } from "./session.mjs" */

/**
 * @typedef {Object} Read
 * @property {Note[]} notes in order of time @property {any[]} odd entries that are none: they are kept
 * @property {string} problem why nothing here is to be touched, or "" @property {Record<string, any>} extra other fields
 */

const VERSION = 1;
const NEWER = "The notes of this node were written by a newer version of KeyVID; update it to see them. They are kept.";
const BROKEN = "The notes of this node cannot be read; they are kept until you choose Delete all notes in the menu.";

/**
 * What is kept as a node's notes; never throws.
 * @param {any} value @returns {Read}
 */
export function readNotes(value) {
  const nothing = { notes: [], odd: [], problem: "", extra: {} };
  if (value === null || value === undefined) return nothing;
  if (!isObject(value) || value.version !== VERSION || !Array.isArray(value.notes)) {
    const isNewer = isObject(value) && isWhole(value.version) && value.version > VERSION;
    return { ...nothing, problem: isNewer ? NEWER : BROKEN };
  }
  const { version, notes, ...extra } = value;
  const odd = notes.filter((/** @type {any} */ one) => !isNote(one));
  return { notes: inOrder(notes.filter(isNote)), odd, problem: "", extra };
}

/** @param {Note[]} notes @returns {Note[]} */
const inOrder = (notes) => [...notes].sort((a, b) => a.time_s - b.time_s);

/** @param {Note} a @returns {(b: Note) => boolean} whether it says the same at the same time */
const sameAs = (a) => (b) => a.time_s === b.time_s && a.text === b.text;

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

  /** @param {Note[]} notes @param {boolean} [isStep] whether it is a step of undo by itself */
  function write(notes, isStep = true) {
    const { odd, problem, extra } = current();
    if (problem) return showMessage(problem, true);
    const isEmpty = !notes.length && !odd.length && !Object.keys(extra).length;
    host.keepNotes?.(isEmpty ? null : { version: VERSION, notes: [...notes, ...odd], ...extra }, isStep);
  }
  return { current, write };
}

/** @typedef {ReturnType<typeof createNotes>} Notes */

/**
 * The notes of one editor's node. What is written is one step of undo.
 * @param {{ host: Pick<Host, "notes" | "keepNotes">, showMessage: ShowMessage }} parts
 */
export function createNotes({ host, showMessage }) {
  const { current, write } = keeper({ host, showMessage });
  /** Of a drag under way. @type {Note[] | null} */
  let preview = null;
  /** All but one; by what it says, for undo may have made them anew meanwhile. @param {Note} note */
  const without = (note) => {
    const { notes } = current();
    const at = notes.findIndex(sameAs(note));
    return notes.filter((_, i) => i !== at);
  };

  return {
    /** In order of time, those of a drag under way included. @returns {Note[]} */
    list: () => preview ?? current().notes,
    /** Why they are not to be touched, or "". */
    problem: () => current().problem,
    /** @param {Note} note @param {Note | null} [instead] which goes; blank text takes a note away */
    put(note, instead = null) {
      const text = note.text.trim();
      const others = instead ? without(instead) : current().notes;
      if (text) write(inOrder([...others, { ...note, text }]));
      else if (instead) this.remove(instead);
    },
    /** @param {Note} note */
    remove(note) {
      const others = without(note);
      if (others.length === current().notes.length) return; // it is gone already
      write(others);
      showMessage("Deleted the note.", false);
    },
    /** Also those that cannot be read. */
    clear: () => host.keepNotes?.(null, true),
    /**
     * Many at once, as an import brings them; one that is at its frame already is not put there again.
     * @param {Note[]} more @param {{ fps: number, isStep: boolean }} how @returns {string} why they were left out, or ""
     */
    add(more, { fps, isStep }) {
      const { notes, problem } = current();
      const keyOf = (/** @type {Note} */ { time_s, text }) => `${frameAt(time_s, fps)} ${oneLine(text)}`;
      const known = new Set(notes.map(keyOf));
      const news = more.filter((note) => !known.has(keyOf(note)));
      if (news.length && !problem) write(inOrder([...notes, ...news]), isStep);
      return news.length ? problem : "";
    },
    /** Shows a note elsewhere, as a drag does. @param {Note} note @param {number} timeS */
    preview(note, timeS) {
      preview = inOrder([...without(note), { ...note, time_s: timeS }]);
    },
    /** Ends the drag: what it shows is written, or nothing. @param {boolean} isKept */
    settle(isKept) {
      if (isKept && preview) write(preview);
      preview = null;
    },
  };
}
