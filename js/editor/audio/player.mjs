// @ts-check
// Hearing the plan: play, loop, half speed, a click at each keyframe, and a grain of sound wherever one scrubs.
//
// All of it is Web Audio. The context is made at the first request to hear something, since browsers keep one made
// earlier silent.

import { Clicks } from "./clicks.mjs";
import { AudioMissingError, ClipAudio } from "./clip_audio.mjs";
import { playGrain, silence, sourceOf } from "./source.mjs";
import { loopCrossings, placeAfter, startOf } from "./transport.mjs";

/** @import { Fetched } from "./clip_audio.mjs" */
/** @import { LoopS } from "./transport.mjs" */

const LEAD_S = 0.03; // between the request and the sound, so that sound and clicks start on the same sample
const AHEAD_S = 0.3; // clicks are scheduled this long before they sound

const MISSING = "The sound is no longer on the server. Run the node once more to hear it.";
const UNPLAYABLE = "The browser cannot play this sound. Run the node once more, or try another browser.";

/**
 * @typedef {Object} PlayerOptions
 * @property {() => AudioContext} [createContext]
 * @property {(url: string) => Promise<Fetched>} [fetch]
 * @property {(frame: number) => void} [onTime] while playing, before each repaint
 * @property {() => void} [onEnd] it has stopped by itself, at the end or for another clip
 * @property {(message: string) => void} [onError] the sound cannot be heard
 * @property {() => number[]} [clickAt] the keyframes' frames
 * @property {(task: () => void) => () => void} [requestFrame] before the next repaint; returns what cancels it
 */
/**
 * @typedef {Object} Playing
 * @property {AudioBufferSourceNode | null} source null without a sound
 * @property {AudioContext} context @property {number} begun place in the clip where it began, in seconds
 * @property {number} startedAt on the audio clock @property {number} clickedUntil value of `played`
 */

/** @param {() => void} task @returns {() => void} */
function beforeRepaint(task) {
  const number = requestAnimationFrame(task);
  return () => cancelAnimationFrame(number);
}

/**
 * A player for the sound of one clip. Places are frames (floats while playing). Without a sound it plays all the same,
 * in silence but for the clicks.
 */
export class Player {
  /** @type {AudioContext | null} */
  #context = null;
  #clip = { fps: 24, nFrames: 0 };
  /** The first frame, and the frame it ends before. @type {[number, number] | null} */
  #loop = null;
  #rate = 1;
  #isClicking = false;
  /** @type {Playing | null} */
  #playing = null;
  /** @type {AudioBufferSourceNode | null} */
  #grain = null;
  #cancelFrame = () => {};
  /** Counts the requests, so that one that had to wait for the sound knows whether it is still the last. */
  #request = 0;
  #clicks = new Clicks();
  #audio;
  #options;

  /** @param {PlayerOptions} [options] */
  constructor(options = {}) {
    this.#options = {
      createContext: () => new AudioContext(),
      fetch: (/** @type {string} */ url) => globalThis.fetch(url),
      onTime: () => {},
      onEnd: () => {},
      onError: () => {},
      clickAt: () => [],
      requestFrame: beforeRepaint,
      ...options,
    };
    this.#audio = new ClipAudio(this.#options.fetch);
  }

  get isPlaying() {
    return this.#playing !== null;
  }
  /** The frame that is heard now (float), null if nothing is playing. */
  get frame() {
    return this.#playing ? this.#placeS(this.#playing) * this.#clip.fps : null;
  }

  /**
   * Names the clip to hear; url null: it has no sound. Nothing is fetched before someone wants to hear it.
   * @param {string | null} url @param {{ fps: number, nFrames: number }} clip
   */
  load(url, { fps, nFrames }) {
    if (url === this.#audio.url && fps === this.#clip.fps && nFrames === this.#clip.nFrames) return;
    const wasPlaying = this.isPlaying;
    this.pause();
    this.#silenceGrain();
    this.#audio.setUrl(url);
    this.#clip = { fps, nFrames };
    if (this.#loop && this.#loop[1] > nFrames) this.#loop = null;
    if (wasPlaying) this.#options.onEnd();
  }

  /**
   * Plays from a frame on.
   * @param {number} fromFrame @returns {Promise<boolean>} whether it plays
   */
  async play(fromFrame) {
    const context = await this.#ready(++this.#request);
    if (!context) return false;
    this.#silenceGrain();
    this.#begin(context, this.#seconds(fromFrame));
    return true;
  }

  /**
   * Stops playing.
   * @returns {number | null} the frame it stopped at (float), null if nothing was playing
   */
  pause() {
    this.#request++;
    const { frame } = this;
    this.#stop();
    return frame;
  }

  /**
   * Plays a grain of the sound at a frame; while playing, it resumes from there.
   * @param {number} frame
   */
  async scrub(frame) {
    if (this.#playing) return this.#begin(this.#playing.context, this.#seconds(frame));
    const context = await this.#ready(++this.#request);
    const { buffer } = this.#audio;
    if (!context || !buffer) return;
    this.#silenceGrain();
    const place = Math.min(this.#seconds(Math.max(0, frame)), this.#endS());
    this.#grain = playGrain(context, buffer, place, 1 / this.#clip.fps);
  }

  /**
   * Repeats the frames from a up to, not including, b; null: no more.
   * @param {[number, number] | null} region
   */
  setLoop(region) {
    /** @type {[number, number] | null} */
    const next = region && region[1] > region[0] ? [region[0], region[1]] : null;
    if (next?.[0] === this.#loop?.[0] && next?.[1] === this.#loop?.[1]) return;
    this.#change(() => {
      this.#loop = next;
    });
  }

  /**
   * 1, or 0.5 for half speed, which sounds an octave lower.
   * @param {number} rate
   */
  setRate(rate) {
    if (rate === this.#rate) return;
    this.#change(() => {
      this.#rate = rate;
    });
  }

  /**
   * Whether each keyframe clicks.
   * @param {boolean} isOn
   */
  setClick(isOn) {
    const playing = this.#playing;
    if (!isOn) this.#cancelClicks();
    if (isOn && !this.#isClicking && playing)
      playing.clickedUntil = this.#playedAt(playing, playing.context.currentTime);
    this.#isClicking = isOn;
  }

  /** Call when clickAt has changed: what was scheduled is taken back. */
  refreshClicks() {
    if (this.#playing && this.#isClicking) this.#cancelClicks();
  }

  /** Ends all sound and gives the context back; the next request makes another one. */
  dispose() {
    this.pause();
    this.#silenceGrain();
    this.#context?.close().catch(() => {});
    this.#context = null;
    this.#audio.clear();
    this.#clicks.clear();
  }

  /** @param {number} frame */
  #seconds(frame) {
    return frame / this.#clip.fps;
  }

  /** Where the clip ends, in seconds. */
  #endS() {
    return Math.min(this.#seconds(this.#clip.nFrames), this.#audio.buffer?.duration ?? Infinity);
  }

  /** @returns {LoopS} */
  #loopS() {
    if (!this.#loop) return null;
    const [from, to] = this.#loop;
    // a sound may end within the last frame, and a browser would repeat from there
    return [this.#seconds(from), Math.max(Math.min(this.#seconds(to), this.#endS()), this.#seconds(from + 0.5))];
  }

  /** Seconds played at a time of the audio clock. @param {Playing} playing @param {number} time */
  #playedAt({ begun, startedAt }, time) {
    return begun + Math.max(0, time - startedAt) * this.#rate;
  }

  /** Seconds played of what is heard now: it left the context a moment ago. @param {Playing} playing */
  #heardS(playing) {
    const { currentTime, outputLatency } = playing.context;
    return this.#playedAt(playing, currentTime - (outputLatency || 0));
  }

  /** @param {Playing} playing */
  #placeS(playing) {
    return placeAfter(this.#heardS(playing), this.#loopS());
  }

  /**
   * Makes the context and the sound ready.
   * @param {number} request @returns {Promise<AudioContext | null>} null: it is no longer the last request, or failed
   */
  async #ready(request) {
    this.#context ??= this.#options.createContext();
    this.#context.resume().catch(() => {}); // it was closed in the meantime
    try {
      await this.#audio.load(this.#context);
    } catch (error) {
      if (request === this.#request) this.#options.onError(error instanceof AudioMissingError ? MISSING : UNPLAYABLE);
      return null;
    }
    return request === this.#request ? this.#context : null;
  }

  /** @param {AudioContext} context @param {number} fromS */
  #begin(context, fromS) {
    this.#stop();
    const loop = this.#loopS();
    const begun = startOf(fromS, { loop, endS: this.#endS() });
    const startedAt = context.currentTime + LEAD_S;
    let source = null;
    if (this.#audio.buffer) {
      source = sourceOf(context, this.#audio.buffer);
      source.playbackRate.value = this.#rate;
      if (loop) [source.loop, source.loopStart, source.loopEnd] = [true, ...loop];
      source.start(startedAt, begun);
    }
    this.#playing = { source, context, begun, startedAt, clickedUntil: begun };
    this.#tick();
  }

  #tick() {
    const playing = this.#playing;
    if (!playing) return;
    if (!this.#loop && this.#heardS(playing) >= this.#endS()) {
      this.#stop();
      this.#options.onEnd();
      return;
    }
    if (this.#isClicking) this.#scheduleClicks(playing);
    this.#cancelFrame = this.#options.requestFrame(() => this.#tick());
    this.#options.onTime(this.#placeS(playing) * this.#clip.fps);
  }

  /** @param {Playing} playing */
  #scheduleClicks(playing) {
    const { context, begun, startedAt, clickedUntil } = playing;
    const until = this.#playedAt(playing, context.currentTime + AHEAD_S);
    const times = this.#options.clickAt().map((frame) => this.#seconds(frame));
    const crossings = loopCrossings(times, { after: clickedUntil, until, loop: this.#loopS() });
    this.#clicks.schedule(
      context,
      crossings.map((played) => startedAt + (played - begun) / this.#rate),
    );
    playing.clickedUntil = Math.max(clickedUntil, until);
  }

  /** Takes back the clicks that have not sounded yet. */
  #cancelClicks() {
    if (this.#context) this.#clicks.cancel(this.#context);
    const playing = this.#playing;
    if (!playing) return;
    playing.clickedUntil = Math.max(playing.begun, this.#playedAt(playing, playing.context.currentTime));
  }

  #stop() {
    if (!this.#playing) return;
    this.#cancelFrame();
    if (this.#playing.source) silence(this.#playing.source);
    this.#cancelClicks();
    this.#playing = null;
  }

  #silenceGrain() {
    if (this.#grain) silence(this.#grain);
    this.#grain = null;
  }

  /**
   * Changes how it plays; what plays resumes from where it is.
   * @param {() => void} apply
   */
  #change(apply) {
    const playing = this.#playing;
    const at = playing ? this.#placeS(playing) : 0;
    this.#stop();
    apply();
    if (playing) this.#begin(playing.context, at);
  }
}
