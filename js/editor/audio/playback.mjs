// The sound of the node: the player, told what the editor knows, and the playhead, told what the player plays.

import { clampView, fit } from "../canvas/geometry.mjs";
import { framesOf } from "../plan/plan.mjs";
import { createPlayer } from "./player.mjs";

const OTHER_CLIP = "The sound is another clip's than this edit: keep, rescale or reset the edit first, then play.";

/** {toggle, scrub, seek, follow, isPlaying}. host.urlOf(file) gives the address of a file that a run left. */
export function createPlayback({ session, timeline, host, say }, scope) {
  let resumesAt = null; // a scrub while playing goes on playing
  let clickFrames = { plan: null, frames: [] };
  const player = createPlayer({
    onTime(frame) {
      session.state.playhead = frame;
      followView(frame);
      timeline.redraw();
    },
    onEnd() {
      session.state.playhead = 0;
      timeline.redraw();
    },
    onError: (sentence) => say(sentence, true),
    clickAt() {
      const plan = session.previewPlan ?? session.plan;
      if (plan !== clickFrames.plan) clickFrames = { plan, frames: plan ? framesOf(plan) : [] };
      return clickFrames.frames;
    },
  });
  scope.add(() => player.dispose());

  /** A near view turns the page when the playhead leaves it. */
  function followView(frame) {
    const { state, nFrames } = session;
    const view = timeline.view();
    if (!state.view || (frame >= view.first && frame <= view.first + view.span)) return;
    state.view = clampView({ first: frame - view.span * 0.05, span: view.span }, nFrames);
  }

  const playback = {
    get isPlaying() {
      return player.isPlaying;
    },
    /** Why there is nothing to hear, or "". */
    get notice() {
      const { measured } = session;
      if (!measured && session.state.result) return OTHER_CLIP;
      if (!measured) return "Run up to here first, then play.";
      return measured.audio ? "" : measured.audio_notice || "Connect the sound to the audio input to hear it.";
    },
    /** Tells the player what changed: another run, another plan, a loop, a speed. */
    follow() {
      const { state, plan, measured, fps, nFrames } = session;
      // a loop beyond the end of a shorter clip would never come round
      if (plan && state.loop && state.loop[1] > nFrames) Object.assign(state, { loop: null, isLooping: false });
      player.load(measured?.audio ? host.urlOf(measured.audio) : null, { fps, nFrames });
      player.setLoop(state.isLooping ? state.loop : null);
      player.setRate(state.rate);
      player.setClick(state.click);
      player.refreshClicks();
      if (state.playhead > nFrames) state.playhead = 0;
      timeline.redraw();
    },
    async toggle() {
      if (!session.plan) return say(playback.notice, true);
      playback.follow();
      if (player.isPlaying) session.state.playhead = player.pause() ?? session.state.playhead;
      else {
        if (playback.notice && !session.state.click) say(playback.notice, true);
        await player.play(session.state.playhead);
      }
      timeline.redraw();
    },
    /** Moves the playhead and lets it be heard. */
    scrub(frame) {
      if (!session.plan) return;
      const whole = fit(session.nFrames).span;
      if (player.isPlaying) resumesAt = player.pause() ?? frame;
      session.state.playhead = Math.min(whole - 1, Math.max(0, frame));
      playback.follow();
      if (session.measured?.audio) player.scrub(session.state.playhead);
      timeline.redraw();
    },
    endScrub() {
      session.state.playhead = Math.round(session.state.playhead);
      if (resumesAt !== null) player.play(session.state.playhead).then(timeline.redraw);
      resumesAt = null;
      timeline.redraw();
    },
    /** Moves the playhead; what plays goes on from there. */
    seek(frame) {
      if (!session.plan) return;
      session.state.playhead = Math.round(frame);
      if (player.isPlaying) player.play(session.state.playhead);
      timeline.redraw();
    },
  };
  return playback;
}
