// @ts-check
// What the artist sees of a node but never saves: zoom, selection, unit, what the last run reported.

import { createSignal } from "../events.mjs";

/** @import { Hit, View } from "../canvas/geometry.mjs" */
/** @import { SnapKind } from "../input/snapping.mjs" */
/** @import { BeatGrid } from "../plan/beat_grid.mjs" */
/** @import { Unit } from "../plan/timebase.mjs" */
/** @import { RunResult } from "./edit_status.mjs" */

/** @typedef {[number, number]} Loop the first frame, and the frame it ends before */
/** @typedef {"text" | "import" | "export" | "help"} PanelName */
/**
 * @typedef {Object} NodeState what is remembered of a node while the page lives
 * @property {View | null} view null: the whole clip
 * @property {Set<number>} selection frames
 * @property {number[]} frames of all keyframes when they were last seen
 * @property {number | null} focus frame of the keyframe that the keyboard is on
 * @property {number} playhead frame, a float while playing
 * @property {Loop | null} loop @property {boolean} isLooping
 * @property {Unit} unit of the ruler @property {BeatGrid} beatGrid @property {boolean} snapping @property {number} rate of playing
 * @property {boolean} click @property {PanelName | null} panel which one is open
 * @property {RunResult | null} result what the last run reported
 * @property {number | null} undoneAt when undo was asked for with the keyboard in this editor, in ms
 */

const MOST = 64; // nodes remembered; the one that was not used for longest is forgotten

// by node and not by editor, because undo throws every node away and builds it anew
/** @type {Map<string, NodeState>} */
const states = new Map();

/** @returns {NodeState} */
function freshState() {
  return {
    view: null,
    selection: new Set(),
    frames: [],
    focus: null,
    playhead: 0,
    loop: null,
    isLooping: false,
    unit: "frames",
    beatGrid: "as heard",
    snapping: true,
    rate: 1,
    click: false,
    panel: null,
    result: null,
    undoneAt: null,
  };
}

/**
 * Forgets what was seen under a key.
 * @param {string | null} key
 */
export function forget(key) {
  if (key !== null) states.delete(key);
}

/**
 * The state kept under a key (null: one that is kept nowhere).
 * @param {string | null} key @returns {NodeState}
 */
export function stateOf(key) {
  if (key === null) return freshState();
  const state = states.get(key) ?? freshState();
  states.delete(key);
  states.set(key, state); // the one used last comes last
  const oldest = states.keys().next().value;
  if (states.size > MOST && oldest !== undefined) states.delete(oldest);
  return state;
}

/** The state that one editor shows, and what the pointer does to it. Every setter asks for a new drawing. */
export class ViewState {
  #node = stateOf(null);
  /** @type {Hit | null} */
  #hover = null;
  /** @type {{ x0: number, x1: number } | null} */
  #box = null;
  /** @type {number | null} */
  #snapMark = null;
  /** @type {SnapKind | null} */
  #snapTo = null;

  /** Something that is drawn has changed. @type {import("../events.mjs").Signal<void>} */
  changed = createSignal();

  /**
   * Shows what is remembered under a key.
   * @param {string | null} key
   */
  attach(key) {
    this.#node = stateOf(key);
    this.redraw();
  }

  /** Asks for a new drawing. */
  redraw() {
    this.changed.emit();
  }

  /** The remembered state itself, to be compared. */
  get node() {
    return this.#node;
  }
  get view() {
    return this.#node.view;
  }
  get selection() {
    return this.#node.selection;
  }
  /** Frames of all keyframes when they were last seen. */
  get frames() {
    return this.#node.frames;
  }
  get focus() {
    return this.#node.focus;
  }
  get playhead() {
    return this.#node.playhead;
  }
  get loop() {
    return this.#node.loop;
  }
  get isLooping() {
    return this.#node.isLooping;
  }
  /** The loop that is played, or null. */
  get activeLoop() {
    return this.#node.isLooping ? this.#node.loop : null;
  }
  get unit() {
    return this.#node.unit;
  }
  get beatGrid() {
    return this.#node.beatGrid;
  }
  get snapping() {
    return this.#node.snapping;
  }
  get rate() {
    return this.#node.rate;
  }
  get click() {
    return this.#node.click;
  }
  get panel() {
    return this.#node.panel;
  }
  get result() {
    return this.#node.result;
  }
  get undoneAt() {
    return this.#node.undoneAt;
  }
  /** What is under the pointer. */
  get hover() {
    return this.#hover;
  }
  /** The box of a selection that is being drawn, in pixels. */
  get box() {
    return this.#box;
  }
  /** The frame that a dragged keyframe sticks to. */
  get snapMark() {
    return this.#snapMark;
  }
  /** What is there. */
  get snapTo() {
    return this.#snapTo;
  }

  /** @param {Partial<NodeState>} changes */
  #set(changes) {
    Object.assign(this.#node, changes);
    this.redraw();
  }
  /** @param {View | null} view */
  setView(view) {
    this.#set({ view });
  }
  /** @param {Iterable<number>} frames @param {number | null} [focus] where the keyboard goes; undefined: it stays */
  setSelection(frames, focus = this.#node.focus) {
    this.#set({ selection: new Set(frames), focus });
  }
  /** @param {number | null} focus */
  setFocus(focus) {
    this.#set({ focus });
  }
  /** @param {number[]} frames of all keyframes */
  setFrames(frames) {
    this.#set({ frames });
  }
  /** @param {number} playhead */
  setPlayhead(playhead) {
    this.#set({ playhead });
  }
  /** @param {Loop | null} loop @param {boolean} [isLooping] whether it is played */
  setLoop(loop, isLooping = loop !== null) {
    this.#set({ loop, isLooping });
  }
  /** @param {Unit} unit */
  setUnit(unit) {
    this.#set({ unit });
  }
  /** @param {BeatGrid} beatGrid */
  setBeatGrid(beatGrid) {
    this.#set({ beatGrid });
  }
  /** @param {boolean} snapping */
  setSnapping(snapping) {
    this.#set({ snapping });
  }
  /** @param {number} rate */
  setRate(rate) {
    this.#set({ rate });
  }
  /** @param {boolean} click */
  setClick(click) {
    this.#set({ click });
  }
  /** @param {PanelName | null} panel */
  setPanel(panel) {
    this.#set({ panel });
  }
  /** @param {RunResult | null} result */
  setResult(result) {
    this.#set({ result });
  }
  /** @param {number | null} undoneAt */
  setUndoneAt(undoneAt) {
    this.#node.undoneAt = undoneAt; // it is not drawn
  }
  /** @param {Hit | null} hover */
  setHover(hover) {
    const isSame = hover?.part === this.#hover?.part && hover?.at === this.#hover?.at;
    this.#hover = hover;
    if (!isSame) this.redraw();
  }
  /** @param {{ x0: number, x1: number } | null} box */
  setBox(box) {
    this.#box = box;
    this.redraw();
  }
  /** @param {number | null} mark @param {SnapKind | null} to */
  setSnapMark(mark, to) {
    this.#snapMark = mark;
    this.#snapTo = to;
    this.redraw();
  }
}
