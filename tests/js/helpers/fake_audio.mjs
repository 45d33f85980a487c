// A player on a fake AudioContext whose clock the tests turn.

import assert from "node:assert/strict";

import { Player } from "../../../js/editor/audio/player.mjs";

export const FPS = 24;
export const LEAD_S = 0.03;

class FakeSource {
  constructor(context) {
    this.context = context;
    this.playbackRate = { value: 1 };
    this.loop = false;
    context.sources.push(this);
  }
  connect(target) {
    this.target = target;
  }
  disconnect() {
    this.target = null;
  }
  start(at, offset = 0, duration = Infinity) {
    Object.assign(this, { at, offset, duration });
  }
  stop() {
    assert.ok(this.at !== undefined, "stopped before it was started");
    this.stopped = this.context.currentTime;
  }
  get isClick() {
    return this.buffer.isMade;
  }
}

class FakeContext {
  currentTime = 100;
  sampleRate = 8000;
  destination = {};
  sources = [];
  isClosed = false;
  resumed = 0;
  async resume() {
    this.resumed++;
  }
  async close() {
    this.isClosed = true;
  }
  async decodeAudioData(bytes) {
    if (!bytes.byteLength) throw new Error("EncodingError");
    return { duration: bytes.byteLength / 1000 };
  }
  createBufferSource() {
    return new FakeSource(this);
  }
  createBuffer(channels, length) {
    return { isMade: true, getChannelData: () => (this.samples = new Float32Array(length)) };
  }
  createGain() {
    const ramp = [];
    const gain = { setValueAtTime: (...p) => ramp.push(p), linearRampToValueAtTime: (...p) => ramp.push(p) };
    return { gain, ramp, connect() {} };
  }
}

/** A player of a clip of 48 frames (2 s) and everything it touches. */
export function setUp({ bytes = 2000, ok = true, clicks = [], nFrames = 48, url = "/view?a", ...more } = {}) {
  const context = new FakeContext();
  const log = { fetched: [], times: [], ended: 0, errors: [], made: 0, context, clicks, frames: new Map() };
  let number = 0;
  const player = new Player({
    createContext: () => (log.made++, context),
    fetch: async (address) => {
      log.fetched.push(address);
      return { ok, arrayBuffer: async () => new ArrayBuffer(bytes) };
    },
    onTime: (frame) => log.times.push(frame),
    onEnd: () => log.ended++,
    onError: (message) => log.errors.push(message),
    clickAt: () => log.clicks,
    requestFrame: (tick) => {
      const id = ++number;
      log.frames.set(id, tick);
      return () => log.frames.delete(id);
    },
    ...more,
  });
  player.load(url, { fps: FPS, nFrames });
  /** Lets time pass in repaints of 1/50 s. */
  const pass = (durationS) => {
    const until = context.currentTime + durationS;
    while (context.currentTime < until - 1e-9) {
      context.currentTime = Math.min(until, context.currentTime + 0.02);
      const due = [...log.frames.values()];
      log.frames.clear();
      for (const tick of due) tick();
    }
  };
  const sounds = () => context.sources.filter((source) => !source.isClick);
  const clicked = () => context.sources.filter((source) => source.isClick && source.stopped === undefined);
  return { player, log, context, pass, sounds, clicked };
}

export const near = (found, expected, tolerance = 1e-6) =>
  assert.ok(Math.abs(found - expected) <= tolerance, `${found} is not ${expected}`);
