// What a press on the timeline becomes: one small object per gesture with move(place, event), end() and cancel().
//
// A place is {x, y} in pixels of the canvas. Nothing is written before `end`.

import { clampView, fit, framesInBox, panBy, scaleOf, xToFrame } from "../canvas/geometry.mjs";
import { moveTogether, scaleTogether } from "../plan/operations.mjs";
import { framesOf } from "../plan/plan.mjs";
import { inWords } from "../state/actions.mjs";
import { snap, snapTargets } from "./snapping.mjs";

/** What a run measured that keyframes stick to. */
export function snapping(measured) {
  return { onsets: measured?.onsets, beats: measured?.beats, peaks: measured?.curve_peaks };
}

/** Dragging keyframes: moves them together, or with Alt scales them from the far end. */
export function dragKeys({ session, timeline }, start, grabbed, { isScaling }) {
  const { plan, measured, status } = session;
  const frames = session.frames;
  const moving = framesOf(plan).filter((frame) => frames.includes(frame));
  const targets = snapTargets({ plan, moving, ...snapping(measured) });
  const all = snapTargets(snapping(measured)); // also those that hold a keyframe: to say so
  const startFrame = xToFrame(start.x, timeline.view(), timeline.width());
  const anchor = anchorOf(frames, grabbed);
  return {
    cursor: "grabbing",
    pansAtEdge: true,
    move(place, event) {
      if (session.status !== status) return; // another text came in between: this plan is gone
      const at = grabbed + xToFrame(place.x, timeline.view(), timeline.width()) - startFrame;
      const enabled = session.state.snapping && !event.ctrlKey && !event.metaKey;
      const { frame, to } = snap(at, targets, timeline.view(), timeline.width(), { enabled });
      const moved =
        isScaling && anchor !== grabbed
          ? scaleTogether(plan, frames, anchor, (frame - anchor) / (grabbed - anchor))
          : moveTogether(plan, frames, frame - grabbed);
      const isThere = moved.frames.includes(frame);
      timeline.look.snapMark = isThere && to && to !== "frame" ? frame : null;
      timeline.look.snapTo = to;
      const wanted = enabled ? snap(at, all, timeline.view(), timeline.width()) : { frame, to: null };
      session.show(moved.plan, moved.frames, saidOf(moved.frames, wanted, frame));
    },
    end() {
      timeline.look.snapMark = timeline.look.snapTo = null;
      session.settle();
    },
    cancel() {
      timeline.look.snapMark = timeline.look.snapTo = null;
      session.cancel();
    },
  };
}

/** Where a drag stands, in words. wanted: what it would stick to ({frame, to}) if that were free; at: where it is put. */
function saidOf(frames, { frame: wanted, to }, at) {
  const isMark = to && to !== "frame";
  if (frames.includes(wanted))
    return isMark ? `Snapped to the ${to} at frame ${wanted}.` : `Moved to ${inWords(frames)}.`;
  if (isMark) return `Moved to ${inWords(frames)}; the ${to} at ${wanted} has a keyframe already.`;
  if (frames.length > 1 || frames.includes(at)) return `Moved to ${inWords(frames)}.`;
  return `Moved to ${inWords(frames)}: there is no room at ${at}.`;
}

/** Scaling holds the end of the selection that is farther from the hand. */
function anchorOf(frames, grabbed) {
  const [first, last] = [frames[0], frames.at(-1)];
  return grabbed - first >= last - grabbed ? first : last;
}

/** A box over the timeline: selects what it covers; added: on top of what is selected. */
export function boxSelect({ session, timeline }, start, { added }) {
  const before = added ? session.frames : [];
  return {
    cursor: "crosshair",
    pansAtEdge: false,
    move(place) {
      timeline.look.box = { x0: start.x, x1: place.x };
      const covered = session.plan
        ? framesInBox(session.plan, timeline.view(), timeline.width(), start.x, place.x)
        : [];
      session.select([...before, ...covered], covered[0] ?? before[0] ?? null);
    },
    end() {
      timeline.look.box = null;
      timeline.redraw();
    },
    cancel() {
      timeline.look.box = null;
      session.select(before);
    },
  };
}

/** Moving the playhead, heard as it goes. */
export function scrub({ session, timeline, playback }) {
  return {
    cursor: "col-resize",
    pansAtEdge: true,
    move(place) {
      const frame = xToFrame(place.x, timeline.view(), timeline.width());
      playback.scrub(Math.min(session.nFrames - 1, Math.max(0, frame)));
    },
    end: () => playback.endScrub(),
    cancel: () => playback.endScrub(),
  };
}

/** Drawing a loop on the ruler, or pulling one of its edges. */
export function dragLoop({ session, timeline, playback }, start, { edge }) {
  const { state } = session;
  const before = { loop: state.loop, isLooping: state.isLooping };
  const at = (x) => Math.min(session.nFrames, Math.max(0, Math.round(xToFrame(x, timeline.view(), timeline.width()))));
  const held = edge === "start" ? state.loop[1] : edge === "end" ? state.loop[0] : at(start.x);
  return {
    cursor: "ew-resize",
    pansAtEdge: true,
    move(place) {
      const other = at(place.x);
      if (other === held) return;
      state.loop = [Math.min(held, other), Math.max(held, other)];
      state.isLooping = true;
      timeline.redraw();
    },
    end: () => playback.follow(),
    cancel() {
      Object.assign(state, before);
      timeline.redraw();
    },
  };
}

/** Pushing the timeline aside. */
export function pan({ session, timeline }, start) {
  const view = timeline.view();
  return {
    cursor: "grabbing",
    pansAtEdge: false,
    move(place) {
      session.state.view = panBy(view, (start.x - place.x) / scaleOf(view, timeline.width()), session.nFrames);
      timeline.redraw();
    },
    end() {},
    cancel() {},
  };
}

/** The overview's window: its middle moves the view, its edges zoom; a press beside it jumps there. */
export function dragOverview({ session, timeline }, start, { edge, at }) {
  const before = timeline.view();
  const whole = fit(session.nFrames);
  const isBeside = edge === null;
  const offset = isBeside ? 0 : at - (before.first + before.span / 2);
  const end = before.first + before.span;
  const move = (place) => {
    const frame = xToFrame(place.x, whole, timeline.width());
    const view = {
      start: () => ({ first: Math.min(frame, end - 1), span: Math.max(1, end - Math.max(0, frame)) }),
      end: () => ({ first: before.first, span: Math.max(1, frame - before.first) }),
    }[edge]?.() ?? { first: frame - offset - before.span / 2, span: before.span };
    session.state.view = clampView(view, session.nFrames);
    timeline.redraw();
  };
  if (isBeside) move(start);
  const cursor = edge === "start" || edge === "end" ? "ew-resize" : "grabbing";
  return { cursor, pansAtEdge: false, move, end() {}, cancel() {} };
}
