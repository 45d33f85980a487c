// @ts-check
// The sound of the node: the player, given what the editor knows, and the playhead, set by what the player plays.

import { clampView, fit } from "../canvas/geometry.mjs";
import { framesOf } from "../plan/plan.mjs";
import { Player } from "./player.mjs";

/** @import { Timeline } from "../canvas/timeline.mjs" */
/** @import { Scope } from "../dom.mjs" */
/** @import { Plan } from "../plan/plan.mjs" */
/** @import { Host, Session, ShowMessage } from "../state/session.mjs" */

const OTHER_CLIP = "The sound is another clip's than this edit: keep, rescale or reset the edit first, then play.";

/** What is heard of one editor. */
export class Playback {
  /** The playhead where a scrub began while playing: it resumes from where the scrub ends. @type {number | null} */
  #resumesAt = null;
  /** @type {{ plan: Plan | null, frames: number[] }} */
  #clickFrames = { plan: null, frames: [] };
  #session;
  #timeline;
  #host;
  #showMessage;
  #player;

  /**
   * @param {Object} parts
   * @param {Session} parts.session
   * @param {Pick<Timeline, "view">} parts.timeline
   * @param {Pick<Host, "urlOf">} parts.host
   * @param {ShowMessage} parts.showMessage
   * @param {Scope} parts.scope
   */
  constructor({ session, timeline, host, showMessage, scope }) {
    this.#session = session;
    this.#timeline = timeline;
    this.#host = host;
    this.#showMessage = showMessage;
    this.#player = new Player({
      onTime: (frame) => this.#showTime(frame),
      onEnd: () => session.state.setPlayhead(0),
      onError: (message) => showMessage(message, true),
      clickAt: () => this.#framesThatClick(),
      requestFrame: (task) => scope.frame(task),
    });
    scope.add(() => this.#player.dispose());
  }

  get isPlaying() {
    return this.#player.isPlaying;
  }

  /** Why there is nothing to hear, or "". */
  get notice() {
    const { measured, state } = this.#session;
    if (!measured && state.result) return OTHER_CLIP;
    if (!measured) return "Run up to here first, then play.";
    return measured.audio ? "" : measured.audio_notice || "Connect the sound to the audio input to hear it.";
  }

  /** Gives the player what changed: another run, another plan, a loop, a speed. */
  follow() {
    const { state, plan, measured, fps, nFrames } = this.#session;
    // a loop beyond the end of a shorter clip would never come round
    if (plan && state.loop && state.loop[1] > nFrames) state.setLoop(null);
    this.#player.load(measured?.audio ? this.#host.urlOf(measured.audio) : null, { fps, nFrames });
    this.#player.setLoop(state.activeLoop);
    this.#player.setRate(state.rate);
    this.#player.setClick(state.click);
    this.#player.refreshClicks();
    if (state.playhead > nFrames) state.setPlayhead(0);
    state.redraw();
  }

  async toggle() {
    const { state, plan } = this.#session;
    if (!plan) return this.#showMessage(this.notice, true);
    this.follow();
    if (this.isPlaying) {
      state.setPlayhead(this.#player.pause() ?? state.playhead);
      return;
    }
    if (this.notice && !state.click) this.#showMessage(this.notice, true);
    await this.#player.play(state.playhead);
    state.redraw();
  }

  /**
   * Moves the playhead and lets it be heard.
   * @param {number} frame
   */
  scrub(frame) {
    const { state, plan, nFrames } = this.#session;
    if (!plan) return;
    if (this.isPlaying) this.#resumesAt = this.#player.pause() ?? frame;
    state.setPlayhead(Math.min(fit(nFrames).span - 1, Math.max(0, frame)));
    this.follow();
    if (this.#session.measured?.audio) this.#player.scrub(state.playhead);
  }

  endScrub() {
    const { state } = this.#session;
    state.setPlayhead(Math.round(state.playhead));
    if (this.#resumesAt !== null) this.#player.play(state.playhead).then(() => state.redraw());
    this.#resumesAt = null;
  }

  /**
   * Moves the playhead; what plays resumes from there.
   * @param {number} frame
   */
  seek(frame) {
    const { state, plan } = this.#session;
    if (!plan) return;
    state.setPlayhead(Math.round(frame));
    if (this.isPlaying) this.#player.play(state.playhead);
  }

  /** @param {number} frame */
  #showTime(frame) {
    const { state, nFrames } = this.#session;
    state.setPlayhead(frame);
    // a near view turns the page when the playhead leaves it
    const view = this.#timeline.view();
    if (!state.view || (frame >= view.first && frame <= view.first + view.span)) return;
    state.setView(clampView({ first: frame - view.span * 0.05, span: view.span }, nFrames));
  }

  #framesThatClick() {
    const plan = this.#session.shownPlan;
    if (plan !== this.#clickFrames.plan) this.#clickFrames = { plan, frames: plan ? framesOf(plan) : [] };
    return this.#clickFrames.frames;
  }
}
