// @ts-check
// What a press on the timeline becomes: one small object per gesture. Nothing is written before `end`.

import { clampView, fit, framesInBox, panBy, scaleOf, xToFrame } from "../canvas/geometry.mjs";
import { moveTogether, scaleTogether } from "../plan/operations.mjs";
import { framesOf } from "../plan/plan.mjs";
import { timeAt } from "../plan/timebase.mjs";
import { inWords } from "../state/actions.mjs";
import { snap, snapMarks, snapTargets } from "./snapping.mjs";

/** @import { Playback } from "../audio/playback.mjs" */
/** @import { Hit } from "../canvas/geometry.mjs" */
/** @import { Timeline } from "../canvas/timeline.mjs" */
/** @import { Plan } from "../plan/plan.mjs" */
/** @import { Notes } from "../state/notes.mjs" */
/** @import { Session } from "../state/session.mjs" */
/** @import { SnapKind } from "./snapping.mjs" */

/** @typedef {{ x: number, y?: number }} Point in pixels of the canvas */
/** @typedef {Pick<MouseEvent, "ctrlKey" | "metaKey">} Held keys; one of them bypasses snapping */
/**
 * @typedef {Object} Gesture
 * @property {string} cursor
 * @property {boolean} pansAtEdge whether it pushes a near view on where it is held beyond the edge
 * @property {(point: Point, event: Held) => void} move
 * @property {() => void} end @property {() => void} cancel
 */
/**
 * @typedef {Object} GestureParts
 * @property {Session} session
 * @property {Pick<Timeline, "view" | "width">} timeline
 * @property {Pick<Playback, "scrub" | "endScrub" | "follow">} playback
 * @property {Pick<Notes, "list" | "preview" | "settle">} notes
 */

/**
 * Dragging keyframes: moves them together, or scales them from the far end.
 * @param {GestureParts} parts @param {Point} start @param {number} grabbed the keyframe's frame
 * @param {{ isScaling?: boolean }} options @returns {Gesture}
 */
export function dragKeys({ session, timeline }, start, grabbed, { isScaling = false }) {
  const { frames, measured, status, state } = session;
  const plan = /** @type {Plan} */ (session.plan); // a keyframe was grabbed
  const moving = framesOf(plan).filter((frame) => frames.includes(frame));
  const targets = snapTargets({ plan, moving, ...snapMarks(measured, state.beatGrid) });
  const all = snapTargets(snapMarks(measured, state.beatGrid)); // also those that hold a keyframe: to say so
  const startFrame = xToFrame(start.x, timeline.view(), timeline.width());
  const anchor = anchorOf(frames, grabbed);
  return {
    cursor: "grabbing",
    pansAtEdge: true,
    move(point, event) {
      if (session.status !== status) return; // another text came in between: this plan is gone
      const [view, width] = [timeline.view(), timeline.width()];
      const at = grabbed + xToFrame(point.x, view, width) - startFrame;
      const enabled = state.snapping && !event.ctrlKey && !event.metaKey;
      const { frame, to } = snap(at, targets, view, width, { enabled });
      const moved =
        isScaling && anchor !== grabbed
          ? scaleTogether(plan, frames, anchor, (frame - anchor) / (grabbed - anchor))
          : moveTogether(plan, frames, frame - grabbed);
      const isThere = moved.frames.includes(frame);
      state.setSnapMark(isThere && to && to !== "frame" ? frame : null, to);
      const wanted = enabled ? snap(at, all, view, width) : { frame, to: null };
      session.showPreview(moved.plan, moved.frames, dragMessage(moved.frames, wanted, frame));
    },
    end() {
      state.setSnapMark(null, null);
      session.settle();
    },
    cancel() {
      state.setSnapMark(null, null);
      session.cancel();
    },
  };
}

/**
 * Where a drag has brought its keyframes.
 * @param {number[]} frames @param {{ frame: number, to: SnapKind | null }} wanted what it would stick to if that were free
 * @param {number} at where it is put @returns {string}
 */
function dragMessage(frames, { frame: wanted, to }, at) {
  const isMark = to && to !== "frame";
  if (frames.includes(wanted)) {
    return isMark ? `Snapped to the ${to} at frame ${wanted}.` : `Moved to ${inWords(frames)}.`;
  }
  if (isMark) return `Moved to ${inWords(frames)}; the ${to} at ${wanted} has a keyframe already.`;
  if (frames.length > 1 || frames.includes(at)) return `Moved to ${inWords(frames)}.`;
  return `Moved to ${inWords(frames)}: there is no room at ${at}.`;
}

/**
 * The end of the selection that scaling holds: the one farther from the hand.
 * @param {number[]} frames @param {number} grabbed @returns {number}
 */
function anchorOf(frames, grabbed) {
  const [first, last] = [frames[0], frames[frames.length - 1]];
  return grabbed - first >= last - grabbed ? first : last;
}

/**
 * A box over the timeline: selects what it covers; added: on top of what is selected.
 * @param {GestureParts} parts @param {Point} start @param {{ added: boolean }} options @returns {Gesture}
 */
export function boxSelect({ session, timeline }, start, { added }) {
  const before = added ? session.frames : [];
  const { state } = session;
  return {
    cursor: "crosshair",
    pansAtEdge: false,
    move(point) {
      state.setBox({ x0: start.x, x1: point.x });
      const { plan } = session;
      const covered = plan ? framesInBox(plan, timeline.view(), timeline.width(), start.x, point.x) : [];
      session.select([...before, ...covered], covered[0] ?? before[0] ?? null);
    },
    end: () => state.setBox(null),
    cancel() {
      state.setBox(null);
      session.select(before);
    },
  };
}

/**
 * Moving the playhead, heard as it goes.
 * @param {GestureParts} parts @returns {Gesture}
 */
export function scrub({ session, timeline, playback }) {
  return {
    cursor: "col-resize",
    pansAtEdge: true,
    move(point) {
      const frame = xToFrame(point.x, timeline.view(), timeline.width());
      playback.scrub(Math.min(session.nFrames - 1, Math.max(0, frame)));
    },
    end: () => playback.endScrub(),
    cancel: () => playback.endScrub(),
  };
}

/**
 * Drawing a loop on the ruler, or pulling one of its edges.
 * @param {GestureParts} parts @param {Point} start @param {Pick<Hit, "edge">} target @returns {Gesture}
 */
export function dragLoop({ session, timeline, playback }, start, { edge }) {
  const { state } = session;
  const before = { loop: state.loop, isLooping: state.isLooping };
  const frameAt = (/** @type {number} */ x) =>
    Math.min(session.nFrames, Math.max(0, Math.round(xToFrame(x, timeline.view(), timeline.width()))));
  const opposite = { start: before.loop?.[1], end: before.loop?.[0] };
  const fixed = (edge === "start" || edge === "end" ? opposite[edge] : undefined) ?? frameAt(start.x);
  return {
    cursor: "ew-resize",
    pansAtEdge: true,
    move(point) {
      const other = frameAt(point.x);
      if (other !== fixed) state.setLoop([Math.min(fixed, other), Math.max(fixed, other)]);
    },
    end: () => playback.follow(),
    cancel: () => state.setLoop(before.loop, before.isLooping),
  };
}

/**
 * A note goes to another time; it sticks to whole frames, as keyframes do.
 * @param {GestureParts} parts @param {Point} start @param {number} which @returns {Gesture}
 */
export function dragNote({ session, timeline, notes }, start, which) {
  const note = notes.list()[which];
  const { fps, nFrames } = session;
  const frameAtX = (/** @type {number} */ x) => xToFrame(x, timeline.view(), timeline.width());
  const startFrame = frameAtX(start.x); // the view may move under the hand
  return {
    cursor: "grabbing",
    pansAtEdge: true,
    move(point) {
      if (!note) return;
      const wanted = Math.round(note.time_s * fps + frameAtX(point.x) - startFrame);
      const frame = Math.min(nFrames - 1, Math.max(0, wanted));
      notes.preview(note, timeAt(frame, fps));
      session.state.redraw();
    },
    end() {
      notes.settle(true);
      session.state.redraw();
    },
    cancel() {
      notes.settle(false);
      session.state.redraw();
    },
  };
}

/**
 * Pushing the timeline aside.
 * @param {GestureParts} parts @param {Point} start @returns {Gesture}
 */
export function pan({ session, timeline }, start) {
  const view = timeline.view();
  return {
    cursor: "grabbing",
    pansAtEdge: false,
    move(point) {
      const by = (start.x - point.x) / scaleOf(view, timeline.width());
      session.state.setView(panBy(view, by, session.nFrames));
    },
    end() {},
    cancel() {},
  };
}

/**
 * The overview's window: its middle moves the view, its edges zoom; a press beside it jumps there.
 * @param {GestureParts} parts @param {Point} start @param {Pick<Hit, "edge" | "at">} target @returns {Gesture}
 */
export function dragOverview({ session, timeline }, start, { edge, at }) {
  const before = timeline.view();
  const whole = fit(session.nFrames);
  const isBeside = edge === null;
  const offset = isBeside ? 0 : at - (before.first + before.span / 2);
  const end = before.first + before.span;
  const viewAt = (/** @type {number} */ frame) => {
    if (edge === "start") return { first: Math.min(frame, end - 1), span: Math.max(1, end - Math.max(0, frame)) };
    if (edge === "end") return { first: before.first, span: Math.max(1, frame - before.first) };
    return { first: frame - offset - before.span / 2, span: before.span };
  };
  const move = (/** @type {Point} */ point) => {
    const frame = xToFrame(point.x, whole, timeline.width());
    session.state.setView(clampView(viewAt(frame), session.nFrames));
  };
  if (isBeside) move(start);
  const cursor = edge === "start" || edge === "end" ? "ew-resize" : "grabbing";
  return { cursor, pansAtEdge: false, move, end() {}, cancel() {} };
}
