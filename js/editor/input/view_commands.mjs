// @ts-check
// Commands for what is seen: zoom, units, panels, menus.

import { fit, panBy, zoomAt } from "../canvas/geometry.mjs";
import { BEAT_GRIDS } from "../plan/beat_grid.mjs";
import { UNITS } from "../plan/timebase.mjs";

/** @import { Unit } from "../plan/timebase.mjs" */
/** @import { PanelName } from "../state/view_state.mjs" */
/** @import { CommandParts } from "./commands.mjs" */

/**
 * The commands for what is seen.
 * @param {CommandParts} parts
 */
export function viewCommands({ session, playback, timeline, showMessage, requestFocus, openMenu }) {
  const { state } = session;
  const shown = () => state.view ?? fit(session.nFrames);

  /** @param {PanelName | null} name @param {boolean} [isOpen] */
  function togglePanel(name, isOpen = state.panel !== name) {
    state.setPanel(isOpen ? name : null);
    showMessage("", false);
    requestFocus(state.panel ? "panel" : "timeline");
  }

  return {
    toggleSnapping() {
      state.setSnapping(!state.snapping);
      playback.follow();
      showMessage(state.snapping ? "Snaps to strikes, peaks and beats." : "Moves by whole frames.", false);
    },
    /** @param {Unit} unit */
    setUnit: (unit) => state.setUnit(unit),
    nextUnit: () => state.setUnit(UNITS[(UNITS.indexOf(state.unit) + 1) % UNITS.length]),
    nextBeatGrid() {
      state.setBeatGrid(BEAT_GRIDS[(BEAT_GRIDS.indexOf(state.beatGrid) + 1) % BEAT_GRIDS.length]);
      showMessage(`Beats: ${state.beatGrid}.`, false);
    },
    /** @param {number} factor above 1: nearer */
    zoom(factor) {
      const view = shown();
      const at = state.focus ?? state.playhead;
      const isSeen = at >= view.first && at <= view.first + view.span;
      state.setView(zoomAt(view, isSeen ? at : view.first + view.span / 2, factor, session.nFrames));
    },
    /** @param {number} share of the view */
    pan: (share) => state.setView(panBy(shown(), share * shown().span, session.nFrames)),
    fit: () => state.setView(null),
    togglePanel,
    focusTimeline: () => requestFocus("timeline"),
    /** Leaves what was entered last: a gesture, a panel, the selection, the timeline. */
    escape() {
      if (session.previewPlan) session.cancel();
      else if (state.panel) togglePanel(null);
      else if (session.frames.length) session.select([]);
      else timeline.canvas.blur();
    },
    /** At the keyframe that the keyboard is on, else at the playhead. */
    openMenu: () => openMenu(timeline.pointOf(state.focus ?? Math.round(state.playhead))),
  };
}
