// Frames and seconds: the mirror of keyframes/timebase.py (tests/timebase_table.json holds both), and how they are
// written on the ruler. Frames are authoritative, seconds are derived.

/** How a frame may be written. */
export const UNITS = ["frames", "seconds", "timecode"];

/** The frame nearest to a time in seconds; exactly between two frames the later one. */
export const frameAt = (timeS, fps) => Math.floor(timeS * fps + 0.5);

/** The time in seconds at which a frame is first shown. */
export const timeAt = (frame, fps) => frame / fps;

/**
 * A frame as "M:SS:FF". Frames are counted by the whole rate nearest to fps (24 for 23.976), as non-drop timecode
 * does, so that every frame has a code of its own.
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

/** A frame (int) as text in a unit; seconds get as many decimals as it takes to tell frames apart. */
export function label(frame, unit, fps) {
  if (unit === "seconds") return `${timeAt(frame, fps).toFixed(fps > 60 ? 3 : 2)} s`;
  if (unit === "timecode") return timecode(frame, fps);
  return String(frame);
}

/**
 * The frame that a person typed, or null. A plain number is meant in `unit` (frames, for timecode); "1.5 s", "36 f" and
 * "0:01:12" mean the same in every unit. A comma may be the decimal point.
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

/**
 * A rate as an exact fraction "numerator/denominator" with a denominator of 1001 at most, so that 23.976 is the
 * same rate however it was rounded. The mirror of fps_fraction: Python's Fraction.limit_denominator.
 */
export function fpsFraction(fps) {
  // every double from 1 to 240 is a whole number of 2^-52
  let [n, d] = [BigInt(fps * 2 ** 52), 2n ** 52n];
  const target = [n, d];
  let [p0, q0, p1, q1] = [0n, 1n, 1n, 0n];
  while (d !== 0n) {
    const whole = n / d;
    if (q0 + whole * q1 > 1001n) {
      const k = (1001n - q0) / q1;
      return nearer(target, [p1, q1], [p0 + k * p1, q0 + k * q1]);
    }
    [p0, q0, p1, q1] = [p1, q1, p0 + whole * p1, q0 + whole * q1];
    [n, d] = [d, n - whole * d];
  }
  return `${p1}/${q1}`;
}

/** The fraction nearer to n/d; the first if equally near. */
function nearer([n, d], [p, q], [r, s]) {
  const abs = (value) => (value < 0n ? -value : value);
  // |p/q - n/d| <= |r/s - n/d|, brought to whole numbers
  return abs(p * d - n * q) * s <= abs(r * d - n * s) * q ? `${p}/${q}` : `${r}/${s}`;
}
