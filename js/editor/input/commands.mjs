// @ts-check
// Every command by name, for the keyboard, the buttons and the menus alike.

import { imageCommands } from "./image_commands.mjs";
import { keyframeCommands } from "./keyframe_commands.mjs";
import { timeAt } from "../plan/timebase.mjs";
import { playbackCommands } from "./playback_commands.mjs";
import { selectionCommands } from "./selection_commands.mjs";
import { viewCommands } from "./view_commands.mjs";

/** @import { Playback } from "../audio/playback.mjs" */
/** @import { Hit } from "../canvas/geometry.mjs" */
/** @import { PagePoint, Timeline } from "../canvas/timeline.mjs" */
/** @import { Notes } from "../state/notes.mjs" */
/** @import { Host, Session, ShowMessage } from "../state/session.mjs" */

/** @typedef {"timeline" | "panel" | "frame" | "words"} FocusTarget the timeline or what covers it, the open panel, the
 *    box of a keyframe's frame, the box of its words */
/**
 * @typedef {Object} CommandParts
 * @property {Session} session @property {Notes} notes @property {Playback} playback @property {Timeline} timeline
 * @property {Pick<Host, "ask" | "runUpToHere" | "canRetake" | "retake" | "pickImage" | "uploadImage">} host
 * @property {ShowMessage} showMessage
 * @property {(target: FocusTarget) => void} requestFocus gives the keyboard to a part of the editor
 * @property {(point: PagePoint, target?: Hit | null) => void} openMenu
 */
/** @typedef {ReturnType<typeof createCommands>} Commands */

/**
 * All commands of one editor.
 * @param {CommandParts} parts
 */
export function createCommands(parts) {
  return {
    ...keyframeCommands(parts),
    ...imageCommands(parts),
    ...selectionCommands(parts),
    ...playbackCommands(parts),
    ...viewCommands(parts),
    ...noteCommands(parts),
    run: () => parts.host.runUpToHere(),
    canRetake: () => parts.host.canRetake?.() ?? false,
    /** @param {{ first: number, last: number }} stretch */
    retake({ first, last }) {
      parts.host.retake?.(first, last);
      parts.showMessage(`Renders the frames ${first} to ${last} again; all others stay.`, false);
    },
  };
}

/**
 * The commands of notes. Their text is asked for; blank text takes one away.
 * @param {CommandParts} parts
 */
function noteCommands({ session, notes, host, showMessage }) {
  /** @param {number} timeS @param {import("../plan/markers.mjs").Note | null} note */
  async function type(timeS, note) {
    if (notes.problem()) return showMessage(notes.problem(), true);
    const message = "Nothing is rendered of it. Nothing at all takes the note away.";
    const typed = await host.ask("Note", message, note?.text ?? "");
    if (typed !== null) notes.put({ ...note, time_s: timeS, text: typed }, note);
    session.state.redraw();
  }
  const timeOf = (/** @type {number} */ frame) => {
    const inside = Math.min(session.nFrames - 1, Math.max(0, Math.round(frame)));
    return timeAt(inside, session.fps);
  };
  const noteOf = (/** @type {number} */ which) => notes.list()[which] ?? null;
  /** @param {number} frame */
  function addNote(frame) {
    const timeS = timeOf(frame);
    const half = 0.5 / session.fps;
    const there = notes.list().findLast((note) => Math.abs(note.time_s - timeS) < half) ?? null;
    return type(there?.time_s ?? timeS, there);
  }

  return {
    /** A note that is there already is changed: two at one frame would hide each other. @param {number} frame */
    addNote,
    noteHere: () => addNote(session.state.playhead),
    clearNotes() {
      notes.clear();
      session.state.redraw();
    },
    /** @param {number} which */
    changeNote(which) {
      const note = noteOf(which);
      if (note) return type(note.time_s, note);
    },
    /** @param {number} which */
    removeNote(which) {
      const note = noteOf(which);
      if (note) notes.remove(note);
      session.state.redraw();
    },
  };
}
