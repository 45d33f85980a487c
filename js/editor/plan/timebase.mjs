// @ts-check
// Frames and seconds: the mirror of keyframes/timebase.py (tests/timebase_table.json holds both), and how they are
// written on the ruler. Frames are authoritative, seconds are derived.

/** @typedef {"frames" | "seconds" | "timecode"} Unit how a frame is written */

/**
 * All units.
 * @type {Unit[]}
 */
export const UNITS = ["frames", "seconds", "timecode"];

/**
 * The frame nearest to a time in seconds; exactly between two frames the later one.
 * @param {number} timeS @param {number} fps @returns {number}
 */
export const frameAt = (timeS, fps) => Math.floor(timeS * fps + 0.5);

/**
 * The time in seconds at which a frame is first shown.
 * @param {number} frame @param {number} fps @returns {number}
 */
export const timeAt = (frame, fps) => frame / fps;

/**
 * A frame as "M:SS:FF". Frames are counted by the whole rate nearest to fps (24 for 23.976), as non-drop timecode
 * does, so that every frame has a code of its own.
 * @param {number} frame @param {number} fps @returns {string}
 */
export function timecode(frame, fps) {
  const perSecond = Math.round(fps);
  const frames = Math.abs(Math.floor(frame));
  const seconds = Math.floor(frames / perSecond);
  const digits = String(perSecond - 1).length;
  const parts = [
    Math.floor(seconds / 60),
    String(seconds % 60).padStart(2, "0"),
    String(frames % perSecond).padStart(Math.max(2, digits), "0"),
  ];
  return (frame < 0 ? "-" : "") + parts.join(":");
}

/**
 * A frame (int) as text in a unit; seconds get as many decimals as it takes to distinguish frames.
 * @param {number} frame @param {Unit} unit @param {number} fps @returns {string}
 */
export function label(frame, unit, fps) {
  if (unit === "seconds") return `${timeAt(frame, fps).toFixed(fps > 60 ? 3 : 2)} s`;
  if (unit === "timecode") return timecode(frame, fps);
  return String(frame);
}

/**
 * The frame that a person typed, or null. A plain number is meant in `unit` (frames, for timecode); "1.5 s", "36 f" and
 * "0:01:12" mean the same in every unit. A comma may be the decimal point.
 * @param {string} text @param {Unit} unit @param {number} fps @returns {number | null}
 */
export function parseFrame(text, unit, fps) {
  const typed = String(text).trim().toLowerCase();
  const code = /^(?:([0-9]+):)?([0-9]{1,2}):([0-9]{1,3})$/.exec(typed);
  if (code) {
    const [minutes, seconds, frames] = code.slice(1).map((part) => Number(part ?? 0));
    const perSecond = Math.round(fps);
    return seconds < 60 && frames < perSecond ? (minutes * 60 + seconds) * perSecond + frames : null;
  }
  const number = /^([0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)\s*(s|f)?$/.exec(typed);
  if (!number) return null;
  const value = Number(number[1].replace(",", "."));
  const isSeconds = number[2] ? number[2] === "s" : unit === "seconds";
  if (isSeconds) return frameAt(value, fps);
  return Number.isSafeInteger(value) ? value : null;
}

/** Half the step from 24000/1001 to 24, the two nearest rates in use. */
const RATE_TOLERANCE = 0.0005;

/**
 * Whether two frame rates are one and the same in a clip of nFrames frames, as 23.976 and 24000/1001 are: one is the
 * other rounded, and no frame of the clip lands elsewhere. The mirror of same_rate in keyframes/timebase.py.
 * @param {number} a @param {number} b @param {number} nFrames @returns {boolean}
 */
export function sameRate(a, b, nFrames) {
  const difference = Math.abs(a - b) / Math.min(a, b);
  return difference < RATE_TOLERANCE && nFrames * difference < 0.5;
}

/**
 * A frame rate with three decimals: one number however an NTSC rate was written.
 * @param {number} fps @returns {number}
 */
export const roundedRate = (fps) => Math.floor(fps * 1000 + 0.5) / 1000;

/**
 * Two frame rates as messages quote them: with six digits at most, or with nine where it takes more to differ.
 * @param {number} a @param {number} b @returns {string[]}
 */
export function distinctRates(a, b) {
  const pairs = [6, 9].map((digits) => [a, b].map((fps) => String(Number(fps.toPrecision(digits)))));
  return pairs.find(([one, other]) => one !== other) ?? pairs[0];
}
