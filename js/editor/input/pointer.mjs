// Mouse, pen and fingers on the timeline: tells a press from a drag, and which gesture it begins.
//
// Nodes 2.0 and the classic canvas both let these events through to us; none may travel on, or the graph moves with
// them. A pointerdown's default stays: without it there is no mouseup, and ComfyUI records no step of undo.

import { hit, panBy, xToFrame, zoomAt, scaleOf } from "../canvas/geometry.mjs";
import { snap, snapTargets } from "./snapping.mjs";
import { boxSelect, dragKeys, dragLoop, dragOverview, pan, scrub, snapping } from "./gestures.mjs";

const DRAG_PX = { mouse: 3, pen: 10, touch: 12 }; // how far a press travels before it is a drag: taps of a pen slip
const LONG_PRESS_MS = 550;
const DOUBLE_MS = 500; // for a double click; the browser's own dblclick, as the system is set, counts as well
const SLOW_DOUBLE_MS = 1200; // what may have been meant as one
const TOO_SLOW = "For a double-click, click twice faster, or press A to add a keyframe.";
const EDGE_SPEED = 0.02; // of the view, for each frame of the screen that a drag is held beyond the edge
const WHEEL_ZOOM = 1.0022; // per pixel of wheel: a notch of 100 zooms by a quarter

const CURSORS = { key: "grab", image: "pointer", ruler: "col-resize", loop: "ew-resize", overview: "pointer" };

/** Whether a tap is where the one before was: near by, and on the same thing. */
function isThere(tap, before, nearPx) {
  return tap.part === before.part && tap.frame === before.frame && Math.abs(tap.x - before.x) < nearPx;
}

/** Wires a timeline; what it begins ends with `scope`. editor: {session, timeline, playback, commands, openMenu, host}. */
export function attachInput(editor, scope) {
  const { session, timeline, commands } = editor;
  const { canvas } = timeline;
  const fingers = new Map(); // pointerId -> place
  let press = null; // {id, start, target, gesture, isMoved, kind}
  let last = null; // {place, event} of the latest move
  let lastTap = null; // {time, x, part, frame}: what a second one makes a double click
  let slowDouble = null; // () => void: what a second tap that was too slow does if the browser calls it a dblclick
  let isTold = false; // that a double click was too slow
  let pinch = null;
  let longPress = 0;
  let edgeFrame = 0;

  const under = (place, kind) =>
    hit(session.plan, timeline.view(), timeline.boxes(), place.x, place.y, {
      touch: kind === "touch",
      loop: session.state.isLooping ? session.state.loop : null,
    });

  function onDown(event) {
    event.stopPropagation();
    if (event.button === 1) event.preventDefault(); // the browser's own scrolling by the middle button
    if (event.button > 1) return;
    editor.say("", false); // what was said of the gesture before would hide this one's words
    canvas.focus({ preventScroll: true });
    canvas.setPointerCapture(event.pointerId);
    const place = timeline.place(event);
    fingers.set(event.pointerId, place);
    if (fingers.size === 2) return beginPinch();
    if (press || pinch) return;
    slowDouble = null;
    session.settle(); // of a key still down
    const kind = event.pointerType in DRAG_PX ? event.pointerType : "mouse";
    press = { id: event.pointerId, start: place, target: under(place, kind), gesture: null, isMoved: false, kind };
    const isMiddle = event.button === 1;
    if (isMiddle) press.gesture = pan(editor, place);
    else if (press.target.part === "overview") press.gesture = dragOverview(editor, place, press.target);
    else if (press.target.part === "ruler" && !event.shiftKey) {
      press.gesture = scrub(editor);
      press.gesture.move(place, event);
    }
    if (kind !== "mouse" && !press.gesture) {
      longPress = setTimeout(() => {
        const { clientX, clientY } = event;
        dropPress();
        openMenuAt({ clientX, clientY }, place, kind);
      }, LONG_PRESS_MS);
    }
    timeline.look.hover = null;
    timeline.redraw();
  }

  function onMove(event) {
    event.stopPropagation();
    const place = timeline.place(event);
    if (fingers.has(event.pointerId)) fingers.set(event.pointerId, place);
    if (pinch) return movePinch();
    if (!press) return hover(place, event);
    if (event.pointerId !== press.id) return;
    last = { place, event };
    const travelled = Math.hypot(place.x - press.start.x, place.y - press.start.y) * place.zoom;
    if (!press.isMoved && travelled < DRAG_PX[press.kind]) return;
    clearTimeout(longPress);
    press.isMoved = true;
    lastTap = null;
    press.gesture ??= begin(press, event);
    canvas.style.cursor = press.gesture?.cursor ?? "";
    press.gesture?.move(place, event);
    if (press.gesture?.pansAtEdge) edgeFrame ||= requestAnimationFrame(panAtEdge);
  }

  /** What a drag means that began on this target. */
  function begin({ start, target, kind }, event) {
    const isKey = target.part === "key" || target.part === "image";
    if (isKey && session.status.canEdit) {
      if (!session.state.selection.has(target.frame)) {
        session.select(event.shiftKey ? [...session.frames, target.frame] : [target.frame], target.frame);
      }
      return dragKeys(editor, start, target.frame, { isScaling: event.altKey });
    }
    if (target.part === "loop") return dragLoop(editor, start, target);
    if (target.part === "ruler") return dragLoop(editor, start, { edge: null });
    if (kind === "touch") return pan(editor, start);
    return session.plan ? boxSelect(editor, start, { added: event.shiftKey }) : null;
  }

  function onUp(event) {
    event.stopPropagation();
    fingers.delete(event.pointerId);
    if (pinch && fingers.size < 2) pinch = null;
    if (!press || event.pointerId !== press.id) return;
    const { gesture, isMoved } = press;
    const ended = press;
    dropPress();
    if (gesture) gesture.end();
    if (!isMoved && event.button === 0) tap(ended, event);
    hover(timeline.place(event), event);
  }

  /** A press that did not travel. */
  function tap({ target, start, kind }, event) {
    const tapped = { time: event.timeStamp, x: start.x, part: target.part, frame: target.frame };
    const isSecond = lastTap !== null && isThere(tapped, lastTap, DRAG_PX[kind] * 2);
    const waited = isSecond ? tapped.time - lastTap.time : Infinity;
    const isDouble = waited < DOUBLE_MS;
    lastTap = isDouble ? null : tapped;
    const isKey = target.part === "key" || target.part === "image";
    const isOpen = target.part === "wave" || target.part === "keys";
    if (!isKey && !isOpen) return;
    if (isDouble && !(isKey && event.shiftKey)) return doubleTap(target, event);
    if (isSecond && !(isKey && event.shiftKey)) slowDouble = () => doubleTap(target, event);
    if (isKey) {
      const { frame } = target;
      const others = session.frames.filter((one) => one !== frame);
      if (!event.shiftKey) session.select([frame]);
      else if (session.state.selection.has(frame)) session.select(others);
      else session.select([...others, frame], frame);
      return;
    }
    if (!event.shiftKey) session.select([]);
    editor.playback.seek(Math.min(session.nFrames - 1, Math.max(0, target.at)));
    if (waited < SLOW_DOUBLE_MS && !isTold) {
      isTold = true; // once: two clicks at one place may also be meant
      editor.say(TOO_SLOW, false);
    }
  }

  function doubleTap(target, event) {
    if (target.part === "wave" || target.part === "keys") return commands.add(addedFrame(target.at, event));
    session.select([target.frame]);
    return commands.typeFrame();
  }

  /** The browser knows how slow a double click may be on this system; after a fast one there is nothing left to do. */
  function onDoubleClick(event) {
    event.stopPropagation();
    const act = slowDouble;
    slowDouble = lastTap = null;
    if (!act) return;
    editor.say("", false);
    act();
  }

  /** Adding snaps as dragging does: one double-clicks at what one sees. */
  function addedFrame(at, event) {
    const { plan, measured, state } = session;
    const targets = snapTargets({ plan, ...snapping(measured) });
    const enabled = state.snapping && !event.ctrlKey && !event.metaKey;
    const { frame } = snap(at, targets, timeline.view(), timeline.width(), { enabled });
    return Math.min(session.nFrames - 1, Math.max(0, frame));
  }

  function dropPress() {
    clearTimeout(longPress);
    cancelAnimationFrame(edgeFrame);
    edgeFrame = 0;
    press = null;
    canvas.style.cursor = "";
  }

  /** Takes back what is under way. @returns {boolean} whether anything was */
  function cancel() {
    const isBusy = press !== null;
    const gesture = press?.gesture;
    dropPress();
    fingers.clear();
    pinch = null;
    gesture?.cancel();
    timeline.redraw();
    return isBusy;
  }

  /** A drag held beyond the edge of a near view pushes it on. */
  function panAtEdge() {
    edgeFrame = 0;
    if (!press?.gesture?.pansAtEdge || !last) return;
    const width = timeline.width();
    const beyond = last.place.x < 0 ? -1 : last.place.x > width ? 1 : 0;
    if (beyond) {
      const view = timeline.view();
      const next = panBy(view, beyond * view.span * EDGE_SPEED, session.nFrames);
      if (next.first !== view.first) {
        session.state.view = next;
        press.gesture.move(last.place, last.event);
      }
    }
    edgeFrame = requestAnimationFrame(panAtEdge);
  }

  function hover(place, event) {
    const isTouch = event.pointerType === "touch";
    const target = isTouch || !session.plan ? null : under(place, "mouse");
    const isSame = target?.part === timeline.look.hover?.part && target?.at === timeline.look.hover?.at;
    timeline.look.hover = target;
    canvas.style.cursor = target?.edge && target.edge !== "window" ? "ew-resize" : (CURSORS[target?.part] ?? "");
    if (!isSame) timeline.redraw();
  }

  function beginPinch() {
    press?.gesture?.cancel();
    dropPress();
    const [a, b] = [...fingers.values()];
    pinch = { view: timeline.view(), x: (a.x + b.x) / 2, distance: Math.max(20, Math.abs(a.x - b.x)) };
  }

  function movePinch() {
    const [a, b] = [...fingers.values()];
    if (!b) return;
    const width = timeline.width();
    const zoomed = zoomAt(
      pinch.view,
      xToFrame(pinch.x, pinch.view, width),
      Math.max(20, Math.abs(a.x - b.x)) / pinch.distance,
      session.nFrames,
    );
    const moved = (pinch.x - (a.x + b.x) / 2) / scaleOf(zoomed, width);
    session.state.view = panBy(zoomed, moved, session.nFrames);
    timeline.redraw();
  }

  function openMenuAt(point, place, kind) {
    const target = under(place, kind);
    if (target.frame !== null && !session.state.selection.has(target.frame)) session.select([target.frame]);
    editor.openMenu(point, target);
  }

  function onContextMenu(event) {
    event.preventDefault();
    event.stopPropagation();
    if (press?.isMoved) return;
    dropPress();
    openMenuAt(event, timeline.place(event), "mouse");
  }

  // On the window and before anyone else: Nodes 2.0 takes wheels with Ctrl, and sideways ones, for the graph even from
  // an element that has the keyboard. Without the keyboard the wheel is the graph's.
  function onWheel(event) {
    if (event.target !== canvas) return;
    if (document.activeElement !== canvas) return editor.host.leaveWheelToGraph(event);
    event.preventDefault();
    event.stopImmediatePropagation();
    const unit = event.deltaMode === 1 ? 33 : event.deltaMode === 2 ? 400 : 1; // lines, pages, pixels
    const width = timeline.width();
    const view = timeline.view();
    const isSideways = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
    const turned = unit * (event.deltaY || event.deltaX);
    session.state.view = isSideways
      ? panBy(view, (unit * (event.deltaX || event.deltaY)) / scaleOf(view, width), session.nFrames)
      : zoomAt(view, xToFrame(timeline.place(event).x, view, width), WHEEL_ZOOM ** -turned, session.nFrames);
    timeline.redraw();
  }

  scope.listen(canvas, "pointerdown", onDown);
  scope.listen(canvas, "pointermove", onMove);
  scope.listen(canvas, "pointerup", onUp);
  scope.listen(canvas, "dblclick", onDoubleClick);
  scope.listen(canvas, "pointercancel", cancel);
  scope.listen(canvas, "lostpointercapture", (event) => press?.id === event.pointerId && cancel());
  scope.listen(canvas, "pointerleave", () => {
    timeline.look.hover = null;
    timeline.redraw();
  });
  scope.listen(canvas, "contextmenu", onContextMenu);
  scope.listen(window, "wheel", onWheel, { capture: true, passive: false });
  // ComfyUI zooms the graph with two fingers wherever they are; pointer events come all the same
  for (const type of ["touchstart", "touchmove", "touchend", "touchcancel"]) {
    const keep = (event) => event.target === canvas && event.stopPropagation();
    scope.listen(window, type, keep, { capture: true, passive: true });
  }
  scope.add(cancel);
  return { cancel, isBusy: () => press !== null };
}
