// Hearing the plan: play, loop, half speed, a click at each keyframe, and a grain of sound wherever one scrubs.
//
// All of it is Web Audio, decoded from what fetch brings: ComfyUI's content-security policy allows no sound from a
// blob. The context is made at the first request to hear something, since browsers keep one made earlier silent.

import { loopCrossings, placeAfter, startOf } from "./transport.mjs";

const LEAD_S = 0.03; // between the request and the sound, so that sound and clicks start on the same sample
const AHEAD_S = 0.3; // clicks are scheduled this long before they sound
const GRAIN_S = 0.09; // of sound while scrubbing, one frame at least
const FADE_S = 0.008; // so that a grain does not crackle
const CLICK_S = 0.03;
const CLICK_HZ = 1800;
const CLICK_LOUDNESS = 0.5;

const GONE = "The sound is no longer on the server. Run the node once more to hear it.";
const UNPLAYABLE = "The browser cannot play this sound. Run the node once more, or try another browser.";

/**
 * A player for the sound of one clip. Places are frames (floats while playing).
 *
 * createContext: makes an AudioContext; fetch: as in a browser; onTime(frame): while playing, before each repaint;
 * onEnd(): it has stopped by itself, at the end or for another clip; onError(sentence): the sound cannot be heard;
 * clickAt(): the keyframes' frames.
 * Without a sound it plays all the same, in silence but for the clicks.
 */
export function createPlayer({
  createContext = () => new AudioContext(),
  fetch = (...request) => globalThis.fetch(...request),
  onTime = () => {},
  onEnd = () => {},
  onError = () => {},
  clickAt = () => [],
  requestFrame = (tick) => requestAnimationFrame(tick),
  cancelFrame = (number) => cancelAnimationFrame(number),
}) {
  let context = null;
  let clickSound = null;
  let clip = { url: null, fps: 24, nFrames: 0 };
  let decoding = null; // promise of the clip's AudioBuffer, null without a sound
  let buffer = null;
  let loop = null; // [first frame, frame it ends before]
  let rate = 1;
  let clicks = false;
  let playing = null; // {source, begun, startedAt, clickedUntil}
  let scheduled = []; // clicks that may not have sounded yet: {source, at}
  let grain = null;
  let repaint = null;
  let request = 0; // counts the wishes, so that one that had to wait for the sound knows whether it is still the last

  const seconds = (frame) => frame / clip.fps;
  // a sound may end within the last frame, and a browser would repeat from there
  const loopS = () => loop && [seconds(loop[0]), Math.max(Math.min(seconds(loop[1]), endS()), seconds(loop[0] + 0.5))];
  const endS = () => Math.min(seconds(clip.nFrames), buffer?.duration ?? Infinity);
  const playedAt = (time) => playing.begun + Math.max(0, time - playing.startedAt) * rate;
  // what is heard now left the context a moment ago
  const place = () => placeAfter(playedAt(context.currentTime - (context.outputLatency || 0)), loopS());

  /** Names the clip to hear; url null: it has no sound. Nothing is fetched before someone wants to hear it. */
  function load(url, { fps, nFrames }) {
    const isSame = url === clip.url && fps === clip.fps && nFrames === clip.nFrames;
    if (isSame) return;
    const wasPlaying = playing !== null;
    pause();
    silenceGrain();
    if (url !== clip.url) decoding = buffer = null;
    clip = { url, fps, nFrames };
    if (loop && loop[1] > nFrames) loop = null;
    if (wasPlaying) onEnd();
  }

  /** Makes the context and the sound ready. @returns {Promise<boolean>} whether `mine` is still the last request */
  async function ready(mine) {
    context ??= createContext();
    context.resume().catch(() => {}); // it was closed in the meantime
    if (clip.url !== null) {
      const { url } = clip;
      decoding ??= decode(url, context);
      try {
        const decoded = await decoding;
        if (clip.url === url) buffer = decoded;
      } catch (error) {
        if (clip.url === url) decoding = null; // to be tried again
        if (mine === request) onError(error instanceof Gone ? GONE : UNPLAYABLE);
        return false;
      }
    }
    return mine === request && context !== null;
  }

  async function decode(url, context) {
    const answer = await fetch(url).catch(() => ({ ok: false }));
    if (!answer.ok) throw new Gone();
    return context.decodeAudioData(await answer.arrayBuffer());
  }

  /** Plays from a frame on. @returns {Promise<boolean>} whether it plays */
  async function play(fromFrame) {
    const mine = ++request;
    if (!(await ready(mine))) return false;
    silenceGrain();
    begin(seconds(fromFrame));
    return true;
  }

  function begin(from) {
    stop();
    const begun = startOf(from, { loop: loopS(), endS: endS() });
    const startedAt = context.currentTime + LEAD_S;
    let source = null;
    if (buffer) {
      source = context.createBufferSource();
      source.buffer = buffer;
      source.playbackRate.value = rate;
      if (loop) [source.loop, source.loopStart, source.loopEnd] = [true, ...loopS()];
      source.connect(context.destination);
      source.start(startedAt, begun);
    }
    playing = { source, begun, startedAt, clickedUntil: begun };
    tick();
  }

  function tick() {
    if (!loop && playedAt(context.currentTime - (context.outputLatency || 0)) >= endS()) {
      stop();
      onEnd();
      return;
    }
    if (clicks) scheduleClicks();
    repaint = requestFrame(tick);
    onTime(place() * clip.fps);
  }

  function scheduleClicks() {
    const { begun, startedAt, clickedUntil } = playing;
    const until = playedAt(context.currentTime + AHEAD_S);
    const times = clickAt().map(seconds);
    scheduled = scheduled.filter(({ at }) => at + CLICK_S > context.currentTime);
    for (const played of loopCrossings(times, { after: clickedUntil, until, loop: loopS() })) {
      const at = startedAt + (played - begun) / rate;
      const source = context.createBufferSource();
      source.buffer = clickSound ??= clickOf(context);
      source.connect(context.destination);
      source.start(Math.max(at, context.currentTime));
      scheduled.push({ source, at });
    }
    playing.clickedUntil = Math.max(clickedUntil, until);
  }

  /** Takes back the clicks that have not sounded yet. */
  function unscheduleClicks() {
    for (const { source, at } of scheduled) if (at > context.currentTime) silence(source);
    scheduled = [];
    if (playing) playing.clickedUntil = Math.max(playing.begun, playedAt(context.currentTime));
  }

  function stop() {
    if (!playing) return;
    cancelFrame(repaint);
    if (playing.source) silence(playing.source);
    unscheduleClicks();
    playing = null;
  }

  /** Stops playing. @returns {number|null} the frame it stopped at (float), null if nothing was playing */
  function pause() {
    request++;
    const frame = playing ? place() * clip.fps : null;
    stop();
    return frame;
  }

  /** Plays a grain of the sound at a frame; while playing, playing goes on from there. */
  async function scrub(frame) {
    if (playing) return begin(seconds(frame));
    const mine = ++request;
    if (!(await ready(mine)) || !buffer) return;
    silenceGrain();
    const start = context.currentTime;
    const end = start + Math.max(GRAIN_S, 1 / clip.fps);
    const volume = context.createGain();
    volume.gain.setValueAtTime(0, start);
    volume.gain.linearRampToValueAtTime(1, start + FADE_S);
    volume.gain.setValueAtTime(1, end - FADE_S);
    volume.gain.linearRampToValueAtTime(0, end);
    volume.connect(context.destination);
    grain = context.createBufferSource();
    grain.buffer = buffer;
    grain.connect(volume);
    grain.start(start, Math.min(seconds(Math.max(0, frame)), endS()), end - start);
  }

  function silenceGrain() {
    if (grain) silence(grain);
    grain = null;
  }

  /** Changes how it plays; what plays goes on from where it is. */
  function change(apply) {
    const isPlaying = playing !== null;
    const at = isPlaying ? place() : 0;
    stop();
    apply();
    if (isPlaying) begin(at);
  }

  /** Repeats the frames from a up to, not including, b; null: no more. */
  function setLoop(region) {
    const next = region && region[1] > region[0] ? [region[0], region[1]] : null;
    if (next?.[0] === loop?.[0] && next?.[1] === loop?.[1]) return;
    change(() => (loop = next));
  }

  /** 1, or 0.5 for half speed, which sounds an octave lower. */
  function setRate(next) {
    if (next !== rate) change(() => (rate = next));
  }

  /** Whether each keyframe clicks. */
  function setClick(isOn) {
    if (!isOn && context) unscheduleClicks();
    if (isOn && !clicks && playing) playing.clickedUntil = playedAt(context.currentTime);
    clicks = isOn;
  }

  /** Call when clickAt has changed: what was scheduled is taken back. */
  function refreshClicks() {
    if (playing && clicks) unscheduleClicks();
  }

  /** Ends all sound and gives the context back. The player is of no use afterwards. */
  function dispose() {
    pause();
    silenceGrain();
    context?.close().catch(() => {});
    context = decoding = buffer = clickSound = null;
  }

  return {
    load,
    play,
    pause,
    scrub,
    setLoop,
    setRate,
    setClick,
    refreshClicks,
    dispose,
    get isPlaying() {
      return playing !== null;
    },
    /** The frame that is heard now (float), null if nothing is playing. */
    get frame() {
      return playing ? place() * clip.fps : null;
    },
  };
}

class Gone extends Error {}

function silence(source) {
  source.stop();
  source.disconnect();
}

/** A short, bright tick that music does not hide. */
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
