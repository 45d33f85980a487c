// @ts-check
// A click at each keyframe, scheduled on the audio clock shortly before it sounds.

import { silence } from "./source.mjs";

const CLICK_S = 0.03;
const CLICK_HZ = 1800;
const CLICK_LOUDNESS = 0.5;

/** The clicks of one player. */
export class Clicks {
  /** Those that may not have sounded yet, with their time on the audio clock. @type {{ source: AudioBufferSourceNode, at: number }[]} */
  #scheduled = [];
  /** @type {AudioBuffer | null} */
  #sound = null;

  /**
   * Schedules clicks.
   * @param {AudioContext} context @param {number[]} times on its clock, in seconds; what is past sounds at once
   */
  schedule(context, times) {
    this.#scheduled = this.#scheduled.filter(({ at }) => at + CLICK_S > context.currentTime);
    for (const at of times) {
      const source = context.createBufferSource();
      this.#sound ??= clickOf(context);
      source.buffer = this.#sound;
      source.connect(context.destination);
      source.start(Math.max(at, context.currentTime));
      this.#scheduled.push({ source, at });
    }
  }

  /**
   * Takes back those that have not sounded yet.
   * @param {AudioContext} context
   */
  cancel(context) {
    for (const { source, at } of this.#scheduled) if (at > context.currentTime) silence(source);
    this.#scheduled = [];
  }

  clear() {
    this.#sound = null;
  }
}

/**
 * A short, bright tick that music does not hide.
 * @param {BaseAudioContext} context @returns {AudioBuffer}
 */
function clickOf(context) {
  const rate = context.sampleRate;
  const sound = context.createBuffer(1, Math.round(CLICK_S * rate), rate);
  const samples = sound.getChannelData(0);
  for (let i = 0; i < samples.length; i++) {
    const time = i / rate;
    samples[i] = CLICK_LOUDNESS * Math.sin(2 * Math.PI * CLICK_HZ * time) * Math.exp((-6 * time) / CLICK_S);
  }
  return sound;
}
