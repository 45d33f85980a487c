// @ts-check
// Commands that change keyframes.

import * as actions from "../state/actions.mjs";

/** @import { CommandParts } from "./commands.mjs" */

/**
 * The commands that change keyframes.
 * @param {CommandParts} parts
 */
export function keyframeCommands({ session, host, playback, showMessage, requestFocus }) {
  const { state } = session;
  const needsSelection = (/** @type {() => void} */ doing) => {
    if (session.frames.length) return doing();
    showMessage("Select a keyframe first: click one, or press the down arrow.", true);
  };

  return {
    /** @param {number} delta */
    nudge(delta) {
      if (!session.status.canEdit) return session.act(actions.move, delta); // which says why not
      if (session.frames.length) return session.previewHeldKey(actions.move, delta);
      playback.scrub(Math.round(state.playhead) + delta);
      playback.endScrub();
    },
    /** @param {number} delta */
    stretch(delta) {
      needsSelection(() => {
        if (session.status.canEdit) session.previewHeldKey(actions.stretch, delta);
      });
    },
    /** @param {number} frame */
    add: (frame) => session.act(actions.add, frame),
    addHere: () => session.act(actions.add, Math.round(state.playhead)),
    remove: () => needsSelection(() => session.act(actions.remove)),
    toggleLock: () => needsSelection(() => session.act(actions.toggleLock)),
    /** @param {string} kind */
    changeKind: (kind) => needsSelection(() => session.act(actions.changeKind, kind)),
    /** @param {number} frame */
    moveTo: (frame) => session.act(actions.moveTo, frame),
    typeFrame: () => needsSelection(() => requestFocus("frame")),
    typeWords: () => needsSelection(() => requestFocus("words")),
    /** @param {string} words */
    setWords: (words) => session.typeAction(actions.setWords, words),
    distribute: () => session.act(actions.distribute),
    snapToOnsets: () => session.act(actions.snapToOnsets, session.measured?.onsets),
    async shiftAll() {
      const typed = await host.ask("Shift all keyframes", "By how many frames? Less than 0 is earlier.", "1");
      if (typed === null) return;
      if (/^\s*[-+]?\d+\s*$/.test(typed)) session.act(actions.shift, Number(typed));
      else showMessage(`"${typed}" is no whole number of frames; type one like 3 or -2.`, true);
    },
    reset: () => session.write("", "Back to the prediction. Undo brings the edit back."),
  };
}
