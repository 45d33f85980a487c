// @ts-check
// Commands for what is heard.

import { fit } from "../canvas/geometry.mjs";

/** @import { CommandParts } from "./commands.mjs" */

/**
 * The commands for what is heard.
 * @param {CommandParts} parts
 */
export function playbackCommands({ session, playback, showMessage }) {
  const { state } = session;

  /** @param {number} a @param {number} b */
  function setLoop(a, b) {
    if (a === b) return showMessage("A loop needs an end after its beginning: move the playhead first.", true);
    state.setLoop([Math.min(a, b), Math.max(a, b)]);
    playback.follow();
  }

  /** The loop that is switched on: the selected part, else the one drawn before, else what is seen. */
  function nextLoop() {
    const { frames, nFrames } = session;
    if (frames.length > 1) return [frames[0], frames[frames.length - 1]];
    if (state.loop) return state.loop;
    const { first, span } = state.view ?? fit(nFrames);
    return [Math.floor(first), Math.min(nFrames, Math.ceil(first + span))];
  }

  return {
    togglePlay: () => playback.toggle(),
    toggleClick() {
      state.setClick(!state.click);
      playback.follow();
      showMessage(state.click ? "Clicks at the keyframes." : "No clicks.", false);
    },
    toggleHalfSpeed() {
      state.setRate(state.rate === 1 ? 0.5 : 1);
      playback.follow();
      showMessage(state.rate === 1 ? "Full speed." : "Half speed.", false);
    },
    toggleLoop() {
      const isOn = !state.isLooping;
      const [first, end] = isOn ? nextLoop() : (state.loop ?? nextLoop());
      state.setLoop([first, end], isOn);
      playback.follow();
      showMessage(state.isLooping ? `Repeats frames ${first} to ${end}.` : "Plays on to the end.", false);
    },
    loopFrom: () => setLoop(Math.round(state.playhead), state.loop?.[1] ?? session.nFrames),
    loopTo: () => setLoop(state.loop?.[0] ?? 0, Math.round(state.playhead)),
  };
}
