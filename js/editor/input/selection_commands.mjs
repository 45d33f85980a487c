// @ts-check
// Commands that change what is selected.

import { reveal } from "../canvas/geometry.mjs";
import { framesOf } from "../plan/plan.mjs";
import { neighbour } from "../state/session.mjs";

/** @import { CommandParts } from "./commands.mjs" */

/**
 * The commands that change what is selected.
 * @param {CommandParts} parts
 */
export function selectionCommands({ session }) {
  const { state } = session;

  /**
   * Selects keyframes, with the keyboard on one of them that is brought into view.
   * @param {number[]} frames @param {number} frame
   */
  function goTo(frames, frame) {
    session.select(frames, frame);
    if (state.view) state.setView(reveal(state.view, frame, session.nFrames));
  }

  return {
    /** @param {number} direction -1 or 1 */
    step(direction) {
      if (!session.plan) return;
      const frame = neighbour(session.plan, state.focus, direction);
      goTo([frame], frame);
    },
    /** @param {number} direction -1 or 1 */
    extend(direction) {
      if (!session.plan) return;
      const frame = neighbour(session.plan, state.focus, direction);
      goTo([...session.frames, frame], frame);
    },
    /** @param {number} index of a keyframe; -1: the last one */
    stepTo(index) {
      const frame = session.plan && framesOf(session.plan).at(index);
      if (frame !== null && frame !== undefined) goTo([frame], frame);
    },
    selectAll() {
      if (session.plan) session.select(framesOf(session.plan), state.focus);
    },
    selectNone: () => session.select([]),
  };
}
