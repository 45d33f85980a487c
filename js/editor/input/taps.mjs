// @ts-check
// Which taps make a double click.

const DOUBLE_MS = 500; // for a double click; the browser's own dblclick, as the system is set, counts as well
const SLOW_DOUBLE_MS = 1200; // what may have been meant as one

/** @typedef {{ time: number, x: number, part: string, frame: number | null }} Tap time in ms, x in pixels */

/** The taps on one timeline, in the order they come. */
export class Taps {
  /** What a second tap makes a double click. @type {Tap | null} */
  #last = null;

  /**
   * A press that did not travel.
   * @param {Tap} tap @param {number} nearPx how near the one before has to be
   * @returns {"first" | "double" | "slow" | "late"} slow: it may have been meant as a double click, late: perhaps to
   *   the browser, as the system is set
   */
  add(tap, nearPx) {
    const before = this.#last;
    const isSecond = before !== null && isThere(tap, before, nearPx);
    const waitedMs = isSecond ? tap.time - before.time : Infinity;
    this.#last = waitedMs < DOUBLE_MS ? null : tap;
    if (!isSecond) return "first";
    if (waitedMs < DOUBLE_MS) return "double";
    return waitedMs < SLOW_DOUBLE_MS ? "slow" : "late";
  }

  /** The next tap is a first one. */
  forget() {
    this.#last = null;
  }
}

/**
 * Whether a tap is where the one before was: near by, and on the same thing.
 * @param {Tap} tap @param {Tap} before @param {number} nearPx
 */
function isThere(tap, before, nearPx) {
  return tap.part === before.part && tap.frame === before.frame && Math.abs(tap.x - before.x) < nearPx;
}
