// @ts-check
// Where a fill goes: the mirror of roomiest_frame in keyframes/fill_gaps.py.

/**
 * @typedef {Object} Clip
 * @property {number} nFrames @property {Iterable<number>} [removed] @property {Iterable<number>} [skipped] frames to avoid
 */

/** Frames: two events no further apart than this are the same one, shifted. */
export const TOLERANCE = 2;

/**
 * The free frame farthest from its neighbours, or null if there is none: the middle of the widest gap, away from what
 * was removed and what was skipped as long as there is such a frame. Of the frames equally far from the nearer of their
 * neighbours the one in the wider gap wins, then the earlier one.
 * @param {number[]} frames ascending, with 0 first; nFrames counts as the last neighbour
 * @param {Clip} clip
 * @returns {number | null}
 */
export function roomiestFrame(frames, clip) {
  return roomiestFrames(1, frames, clip)[0] ?? null;
}

/**
 * `count` frames, each the roomiest one (roomiestFrame) after those before it; fewer if the clip has no more.
 * @param {number} count @param {number[]} frames @param {Clip} clip @returns {number[]}
 */
export function roomiestFrames(count, frames, { nFrames, removed = [], skipped = [] }) {
  const ends = [...frames, nFrames];
  const avoided = [...removed, ...skipped];
  const near = avoided.flatMap((frame) => around(frame, TOLERANCE));
  const bans = [near, avoided, [...removed], []].map((banned) => new Set(banned));
  const found = [];
  while (found.length < count && bans.length) {
    const frame = roomiest(ends, bans[0]);
    if (frame === null) {
      bans.shift(); // what is full stays full
    } else {
      found.push(frame);
      ends.splice(
        ends.findIndex((end) => end > frame),
        0,
        frame,
      );
    }
  }
  return found;
}

/**
 * The whole numbers from `frame - reach` to `frame + reach`.
 * @param {number} frame @param {number} reach @returns {number[]}
 */
export const around = (frame, reach) => Array.from({ length: 2 * reach + 1 }, (_, i) => frame - reach + i);

/** @param {number[]} ends @param {Set<number>} banned @returns {number | null} */
function roomiest(ends, banned) {
  /** @type {{ room: number, width: number, frame: number | null }} */
  const best = { room: 0, width: 0, frame: null };
  for (let i = 1; i < ends.length; i++) {
    const [a, b] = [ends[i - 1], ends[i]];
    const width = b - a;
    // from the middle of the gap outwards, the earlier of two first
    for (let room = Math.floor(width / 2); room > 0; room--) {
      if (room < best.room || (room === best.room && width <= best.width)) break;
      const frame = [a + room, b - room].find((candidate) => !banned.has(candidate));
      if (frame !== undefined) Object.assign(best, { room, width, frame });
    }
  }
  return best.frame;
}

/**
 * `count` frames spread evenly over the free frames between a and b, both excluded; null if they are too few.
 * Without anything in the way they are a + floor(j (b - a) / (count + 1)), as keyframes/fill_gaps.py spreads fills.
 * @param {Set<number>} taken frames that are not free
 * @param {number} a @param {number} b @param {number} count @returns {number[] | null}
 */
export function evenly(a, b, count, taken = new Set()) {
  /** @type {number[]} */
  const free = [];
  for (let frame = a + 1; frame < b; frame++) if (!taken.has(frame)) free.push(frame);
  if (free.length < count) return null;
  return Array.from({ length: count }, (_, j) => free[Math.floor(((j + 1) * (free.length + 1)) / (count + 1)) - 1]);
}
