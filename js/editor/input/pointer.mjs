// @ts-check
// Mouse, pen and fingers on the timeline: distinguishes a press from a drag, and begins gestures.
//
// Nodes 2.0 and the classic canvas both let these events through to us; none may travel on, or the graph moves with
// them. A pointerdown's default stays: without it there is no mouseup, and ComfyUI records no step of undo.

import { hit, panBy } from "../canvas/geometry.mjs";
import { boxSelect, dragKeys, dragLoop, dragNote, dragOverview, pan, scrub } from "./gestures.mjs";
import { beginPinch } from "./pinch.mjs";
import { snap, snapMarks, snapTargets } from "./snapping.mjs";
import { Taps } from "./taps.mjs";

/** @import { Hit } from "../canvas/geometry.mjs" */
/** @import { Place } from "../canvas/timeline.mjs" */
/** @import { Scope } from "../dom.mjs" */
/** @import { CommandParts, Commands } from "./commands.mjs" */
/** @import { Gesture } from "./gestures.mjs" */

/** @typedef {"mouse" | "pen" | "touch"} PointerKind */
/** @typedef {Omit<CommandParts, "requestFocus" | "host"> & { commands: Commands, scope: Scope }} PointerParts */
/**
 * @typedef {Object} Press
 * @property {number} id @property {PointerKind} kind @property {Place} start @property {Hit} target
 * @property {Gesture | null} gesture null: none has begun @property {boolean} isMoved whether it is a drag
 */

/** How far a press travels before it is a drag, in pixels: taps of a pen slip. @type {Record<PointerKind, number>} */
const DRAG_PX = { mouse: 3, pen: 10, touch: 12 };
const LONG_PRESS_MS = 550;
const TOO_SLOW = "For a double-click, click twice faster, or press A to add a keyframe.";
const EDGE_SPEED = 0.02; // of the view, for each frame of the screen that a drag is held beyond the edge

/** @type {Partial<Record<Hit["part"], string>>} */
const CURSORS = {
  key: "grab",
  note: "grab",
  image: "pointer",
  ruler: "col-resize",
  loop: "ew-resize",
  overview: "pointer",
};

/** @param {Hit} target */
const isKey = (target) => target.part === "key" || target.part === "image";
/** @param {PointerEvent} event @returns {PointerKind} */
const kindOf = ({ pointerType }) => (pointerType === "pen" || pointerType === "touch" ? pointerType : "mouse");

/** The pointer on one timeline; everything it began ends with the scope. */
export class Pointer {
  /** @type {Map<number, Place>} */
  #fingers = new Map();
  /** @type {Press | null} */
  #press = null;
  /** The latest move of a drag. @type {{ place: Place, event: PointerEvent } | null} */
  #last = null;
  /** What two fingers do. @type {ReturnType<typeof beginPinch> | null} */
  #pinch = null;
  #taps = new Taps();
  /** What a second tap that was too slow does if the browser calls it a double click. @type {(() => void) | null} */
  #slowDouble = null;
  #isHintShown = false;
  #cancelLongPress = () => {};
  #isPanning = false;
  #cancelPanning = () => {};
  #parts;

  /** @param {PointerParts} parts */
  constructor(parts) {
    this.#parts = parts;
    const { scope, timeline, session } = parts;
    const { canvas } = timeline;
    const listen = (/** @type {string} */ type, /** @type {(event: any) => void} */ listener) =>
      scope.listen(canvas, type, listener);
    listen("pointerdown", (event) => this.#onDown(event));
    listen("pointermove", (event) => this.#onMove(event));
    listen("pointerup", (event) => this.#onUp(event));
    listen("dblclick", (event) => this.#onDoubleClick(event));
    listen("pointercancel", () => this.cancel());
    listen("lostpointercapture", ({ pointerId }) => this.#press?.id === pointerId && this.cancel());
    listen("pointerleave", () => session.state.setHover(null));
    listen("contextmenu", (event) => this.#onContextMenu(event));
    // ComfyUI zooms the graph with two fingers wherever they are; pointer events come all the same
    const keep = (/** @type {Event} */ event) => event.target === canvas && event.stopPropagation();
    for (const type of ["touchstart", "touchmove", "touchend", "touchcancel"]) {
      scope.listen(window, type, keep, { capture: true, passive: true });
    }
    scope.add(() => this.cancel());
  }

  get isBusy() {
    return this.#press !== null;
  }

  /** Takes back what is under way. @returns {boolean} whether anything was */
  cancel() {
    const press = this.#press;
    this.#dropPress();
    this.#fingers.clear();
    this.#pinch = null;
    press?.gesture?.cancel();
    this.#parts.session.state.redraw();
    return press !== null;
  }

  /** @param {Place} place @param {PointerKind} kind @returns {Hit} */
  #under(place, kind) {
    const { session, timeline } = this.#parts;
    const options = { touch: kind === "touch", loop: session.state.activeLoop, notes: timeline.noteSpans() };
    return hit(session.plan, timeline.view(), timeline.boxes(), place.x, place.y, options);
  }

  /** @param {PointerEvent} event */
  #onDown(event) {
    const { session, timeline, showMessage } = this.#parts;
    event.stopPropagation();
    if (event.button === 1) event.preventDefault(); // the browser's own scrolling by the middle button
    if (event.button > 1) return;
    showMessage("", false); // the one about the gesture before would hide this one's
    timeline.canvas.focus({ preventScroll: true });
    timeline.canvas.setPointerCapture(event.pointerId);
    const place = timeline.place(event);
    this.#fingers.set(event.pointerId, place);
    if (this.#fingers.size === 2) return this.#beginPinch();
    if (this.#press || this.#pinch) return;
    this.#slowDouble = null;
    session.settle(); // of a key still down
    const kind = kindOf(event);
    const press = { id: event.pointerId, kind, start: place, target: this.#under(place, kind), isMoved: false };
    this.#press = { ...press, gesture: this.#gestureAtOnce(press, event) };
    if (kind !== "mouse" && !this.#press.gesture) this.#awaitLongPress(event, place, kind);
    session.state.setHover(null);
  }

  /**
   * What begins with the press, before it is a drag.
   * @param {Omit<Press, "gesture">} press @param {PointerEvent} event @returns {Gesture | null}
   */
  #gestureAtOnce({ start, target }, event) {
    if (event.button === 1) return pan(this.#parts, start);
    if (target.part === "overview") return dragOverview(this.#parts, start, target);
    if (target.part !== "ruler" || event.shiftKey) return null;
    const gesture = scrub(this.#parts);
    gesture.move(start, event);
    return gesture;
  }

  /** @param {PointerEvent} event @param {Place} place @param {PointerKind} kind */
  #awaitLongPress({ clientX, clientY }, place, kind) {
    this.#cancelLongPress = this.#parts.scope.timeout(() => {
      this.#dropPress();
      this.#openMenuAt({ clientX, clientY }, place, kind);
    }, LONG_PRESS_MS);
  }

  /** @param {PointerEvent} event */
  #onMove(event) {
    event.stopPropagation();
    const place = this.#parts.timeline.place(event);
    if (this.#fingers.has(event.pointerId)) this.#fingers.set(event.pointerId, place);
    if (this.#pinch) return this.#movePinch();
    const press = this.#press;
    if (!press) return this.#hover(place, event);
    if (event.pointerId !== press.id) return;
    this.#last = { place, event };
    const travelled = Math.hypot(place.x - press.start.x, place.y - press.start.y) * place.zoom;
    if (!press.isMoved && travelled < DRAG_PX[press.kind]) return;
    this.#cancelLongPress();
    press.isMoved = true;
    this.#taps.forget();
    press.gesture ??= this.#gestureOfDrag(press, event);
    this.#parts.timeline.canvas.style.cursor = press.gesture?.cursor ?? "";
    press.gesture?.move(place, event);
    if (press.gesture?.pansAtEdge) this.#panAtEdge();
  }

  /**
   * What a drag means that began on this target.
   * @param {Press} press @param {PointerEvent} event @returns {Gesture | null}
   */
  #gestureOfDrag({ start, target, kind }, event) {
    const { session } = this.#parts;
    if (isKey(target) && target.frame !== null && session.status.canEdit) {
      const { frame } = target;
      if (!session.state.selection.has(frame)) {
        session.select(event.shiftKey ? [...session.frames, frame] : [frame], frame);
      }
      return dragKeys(this.#parts, start, frame, { isScaling: event.altKey });
    }
    if (target.part === "note") return dragNote(this.#parts, start, target.note ?? -1);
    if (target.part === "loop") return dragLoop(this.#parts, start, target);
    if (target.part === "ruler") return dragLoop(this.#parts, start, { edge: null });
    if (kind === "touch") return pan(this.#parts, start);
    return session.plan ? boxSelect(this.#parts, start, { added: event.shiftKey }) : null;
  }

  /** @param {PointerEvent} event */
  #onUp(event) {
    event.stopPropagation();
    this.#fingers.delete(event.pointerId);
    if (this.#fingers.size < 2) this.#pinch = null;
    const press = this.#press;
    if (!press || event.pointerId !== press.id) return;
    this.#dropPress();
    press.gesture?.end();
    if (!press.isMoved && event.button === 0) this.#tap(press, event);
    this.#hover(this.#parts.timeline.place(event), event);
  }

  /**
   * A press that did not travel.
   * @param {Press} press @param {PointerEvent} event
   */
  #tap({ target, start, kind }, event) {
    const { session, playback, showMessage } = this.#parts;
    const tap = { time: event.timeStamp, x: start.x, part: target.part, frame: target.frame };
    const what = this.#taps.add(tap, DRAG_PX[kind] * 2);
    const isOpen = ["wave", "keys", "note", "notes"].includes(target.part);
    if (!isKey(target) && !isOpen) return;
    if (what !== "first" && !(isKey(target) && event.shiftKey)) {
      if (what === "double") return this.#doubleTap(target, event);
      this.#slowDouble = () => this.#doubleTap(target, event);
    }
    if (isKey(target) && target.frame !== null) return this.#selectTapped(target.frame, event);
    if (!event.shiftKey) session.select([]);
    playback.seek(Math.min(session.nFrames - 1, Math.max(0, target.at)));
    if (what === "slow" && !this.#isHintShown) {
      this.#isHintShown = true; // once: two clicks at one place may also be meant
      showMessage(TOO_SLOW, false);
    }
  }

  /** @param {number} frame @param {PointerEvent} event with Shift it is added to the selection, or taken out */
  #selectTapped(frame, event) {
    const { session } = this.#parts;
    const others = session.frames.filter((one) => one !== frame);
    if (!event.shiftKey) session.select([frame]);
    else if (session.state.selection.has(frame)) session.select(others);
    else session.select([...others, frame], frame);
  }

  /** @param {Hit} target @param {PointerEvent} event */
  #doubleTap(target, event) {
    const { session, commands } = this.#parts;
    if (target.part === "note") return commands.changeNote(target.note ?? -1);
    if (target.part === "notes") return commands.addNote(target.at);
    if (target.frame === null) return commands.add(this.#addedFrame(target.at, event));
    session.select([target.frame]);
    commands.typeFrame();
  }

  /** The browser knows how slow a double click may be on this system; after a fast one there is nothing left to do. @param {Event} event */
  #onDoubleClick(event) {
    event.stopPropagation();
    const act = this.#slowDouble;
    this.#slowDouble = null;
    this.#taps.forget();
    if (!act) return;
    this.#parts.showMessage("", false);
    act();
  }

  /** Adding snaps as dragging does: one double-clicks at what one sees. @param {number} at @param {PointerEvent} event */
  #addedFrame(at, event) {
    const { session, timeline } = this.#parts;
    const { plan, measured, state } = session;
    const targets = snapTargets({ plan, ...snapMarks(measured, state.beatGrid) });
    const enabled = state.snapping && !event.ctrlKey && !event.metaKey;
    const { frame } = snap(at, targets, timeline.view(), timeline.width(), { enabled });
    return Math.min(session.nFrames - 1, Math.max(0, frame));
  }

  #dropPress() {
    this.#cancelLongPress();
    this.#cancelPanning();
    this.#isPanning = false;
    this.#press = null;
    this.#parts.timeline.canvas.style.cursor = "";
  }

  /** A drag held beyond the edge of a near view pushes it on, at each frame of the screen. */
  #panAtEdge() {
    if (this.#isPanning) return;
    this.#isPanning = true;
    this.#cancelPanning = this.#parts.scope.frame(() => {
      this.#isPanning = false;
      this.#pushView();
    });
  }

  #pushView() {
    const { session, timeline } = this.#parts;
    const gesture = this.#press?.gesture;
    if (!gesture?.pansAtEdge || !this.#last) return;
    const { place, event } = this.#last;
    const beyond = place.x < 0 ? -1 : place.x > timeline.width() ? 1 : 0;
    const view = timeline.view();
    const next = panBy(view, beyond * view.span * EDGE_SPEED, session.nFrames);
    if (beyond && next.first !== view.first) {
      session.state.setView(next);
      gesture.move(place, event);
    }
    this.#panAtEdge();
  }

  /** @param {Place} place @param {PointerEvent} event */
  #hover(place, event) {
    const { session, timeline } = this.#parts;
    const isTouch = event.pointerType === "touch";
    const target = isTouch || !session.plan ? null : this.#under(place, "mouse");
    session.state.setHover(target);
    const isEdge = target?.edge && target.edge !== "window";
    timeline.canvas.style.cursor = isEdge ? "ew-resize" : ((target && CURSORS[target.part]) ?? "");
  }

  #beginPinch() {
    this.#press?.gesture?.cancel();
    this.#dropPress();
    const [a, b] = [...this.#fingers.values()];
    this.#pinch = beginPinch(this.#parts, a, b);
  }

  #movePinch() {
    const [a, b] = [...this.#fingers.values()];
    if (b) this.#pinch?.(a, b);
  }

  /** @param {{ clientX: number, clientY: number }} point @param {Place} place @param {PointerKind} kind */
  #openMenuAt(point, place, kind) {
    const { session, openMenu } = this.#parts;
    const target = this.#under(place, kind);
    if (target.frame !== null && !session.state.selection.has(target.frame)) session.select([target.frame]);
    openMenu(point, target);
  }

  /** @param {MouseEvent} event */
  #onContextMenu(event) {
    event.preventDefault();
    event.stopPropagation();
    if (this.#press?.isMoved) return;
    this.#dropPress();
    this.#openMenuAt(event, this.#parts.timeline.place(event), "mouse");
  }
}
