// @ts-check
// Where playing is: pure arithmetic between what has been played and the clip, which a loop visits again and again.
//
// `played` counts seconds of sound from the clip's frame 0 as if there were no loop: it begins at the place where
// playing began and only grows. Half speed makes it grow half as fast. A loop is [from, to] in seconds, or null.

/** @typedef {[number, number] | null} LoopS */

/**
 * The place in the clip, in seconds, after `played` seconds.
 * @param {number} played @param {LoopS} loop @returns {number}
 */
export function placeAfter(played, loop) {
  if (!loop || played < loop[1]) return played;
  const [from, to] = loop;
  return from + ((played - from) % (to - from));
}

/**
 * Where playing begins that was asked for at a place: there, unless the loop or the end of the clip is before.
 * @param {number} place in seconds @param {{ loop: LoopS, endS: number }} clip @returns {number}
 */
export function startOf(place, { loop, endS }) {
  if (loop) return place >= loop[0] && place < loop[1] ? place : loop[0];
  return place >= 0 && place < endS ? place : 0;
}

/**
 * When times of the clip are reached, once in each round of the loop: the values of `played` from `after` on and before
 * `until`, ascending.
 * @param {number[]} times in seconds
 * @param {{ after: number, until: number, loop: LoopS }} span after: at least the value of `played` where playing began
 * @returns {number[]}
 */
export function loopCrossings(times, { after, until, loop }) {
  const found = [];
  for (const time of times) {
    if (time >= after && time < until && (!loop || time < loop[1])) found.push(time);
    if (!loop || time < loop[0] || time >= loop[1]) continue;
    const length = loop[1] - loop[0];
    for (let round = Math.max(1, Math.ceil((after - time) / length)); time + round * length < until; round++) {
      found.push(time + round * length);
    }
  }
  return found.sort((a, b) => a - b);
}
