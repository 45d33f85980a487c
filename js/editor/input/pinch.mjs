// @ts-check
// Two fingers: they zoom, and move what is between them.

import { panBy, scaleOf, xToFrame, zoomAt } from "../canvas/geometry.mjs";

/** @import { View } from "../canvas/geometry.mjs" */
/** @import { Timeline } from "../canvas/timeline.mjs" */
/** @import { Session } from "../state/session.mjs" */

const LEAST_PX = 20; // distance of fingers that counts: nearer ones would zoom without an end

/** @typedef {{ x: number }} Finger in pixels of the canvas */

/** @param {Finger} a @param {Finger} b */
const distanceOf = (a, b) => Math.max(LEAST_PX, Math.abs(a.x - b.x));

/**
 * Begins to pinch with two fingers.
 * @param {{ session: Session, timeline: Timeline }} parts @param {Finger} a @param {Finger} b
 * @returns {(a: Finger, b: Finger) => void} what their moving does
 */
export function beginPinch({ session, timeline }, a, b) {
  /** @type {View} */
  const view = timeline.view();
  const [middle, distance] = [(a.x + b.x) / 2, distanceOf(a, b)];
  return (a, b) => {
    const width = timeline.width();
    const factor = distanceOf(a, b) / distance;
    const zoomed = zoomAt(view, xToFrame(middle, view, width), factor, session.nFrames);
    const moved = (middle - (a.x + b.x) / 2) / scaleOf(zoomed, width);
    session.state.setView(panBy(zoomed, moved, session.nFrames));
  };
}
