// @ts-check
// Sources of sound on an audio context.

const GRAIN_S = 0.09; // of sound while scrubbing, one frame at least
const FADE_S = 0.008; // so that a grain does not crackle

/**
 * A source that plays a buffer, connected but not started.
 * @param {AudioContext} context @param {AudioBuffer} buffer @param {AudioNode} [target] @returns {AudioBufferSourceNode}
 */
export function sourceOf(context, buffer, target = context.destination) {
  const source = context.createBufferSource();
  source.buffer = buffer;
  source.connect(target);
  return source;
}

/**
 * Plays a grain of a buffer from a place on, which fades in and out.
 * @param {AudioContext} context @param {AudioBuffer} buffer @param {number} placeS @param {number} leastS
 * @returns {AudioBufferSourceNode}
 */
export function playGrain(context, buffer, placeS, leastS) {
  const start = context.currentTime;
  const end = start + Math.max(GRAIN_S, leastS);
  const volume = context.createGain();
  volume.gain.setValueAtTime(0, start);
  volume.gain.linearRampToValueAtTime(1, start + FADE_S);
  volume.gain.setValueAtTime(1, end - FADE_S);
  volume.gain.linearRampToValueAtTime(0, end);
  volume.connect(context.destination);
  const source = sourceOf(context, buffer, volume);
  source.start(start, placeS, end - start);
  return source;
}

/**
 * Stops a source for good.
 * @param {AudioBufferSourceNode} source
 */
export function silence(source) {
  source.stop();
  source.disconnect();
}
