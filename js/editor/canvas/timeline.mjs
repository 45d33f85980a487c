// @ts-check
// The canvas: what it shows, and that it is drawn at most once per frame of the screen.

import { element } from "../dom.mjs";
import { createSignal } from "../events.mjs";
import { beatsOn } from "../plan/beat_grid.mjs";
import { keyframeAt } from "../plan/plan.mjs";
import { timeAt } from "../plan/timebase.mjs";
import { say } from "../words.mjs";
import { draw } from "./draw.mjs";
import { clampView, fit, frameToX, layout } from "./geometry.mjs";
import { levelsOf } from "./levels.mjs";
import { noteSpans } from "./notes.mjs";
import { readTheme } from "./theme.mjs";

/** @import { Scope } from "../dom.mjs" */
/** @import { Signal } from "../events.mjs" */
/** @import { Keyframe } from "../plan/plan.mjs" */
/** @import { RunResult } from "../state/edit_status.mjs" */
/** @import { Notes } from "../state/notes.mjs" */
/** @import { Session } from "../state/session.mjs" */
/** @import { Scene } from "./draw.mjs" */
/** @import { Levels } from "./levels.mjs" */
/** @import { FrameNote } from "./notes.mjs" */
/** @import { Theme } from "./theme.mjs" */

/** @typedef {{ x: number, y: number, zoom: number }} Place in pixels of the canvas; zoom: of the graph */
/** @typedef {{ clientX: number, clientY: number }} PagePoint */
/** @typedef {{ of: RunResult | null, wave: Levels | null, curve: Float32Array | null }} Outlines of a result */

const MOST_RATIO = 4; // pixels of the canvas per CSS pixel: sharp at any zoom of the graph, and never huge

const OTHER_CLIP = "What was heard belongs to another clip than these keyframes: choose above what becomes of them.";
const ATTRIBUTES = {
  tabindex: "0",
  role: "slider",
  "aria-label": "Keyframe timeline",
  "aria-roledescription": "timeline",
  "aria-orientation": "horizontal",
  "aria-keyshortcuts": "ArrowLeft ArrowRight ArrowUp ArrowDown Home End A Delete L S Space Enter M",
};

/** The canvas of one editor. */
export class Timeline {
  canvas = element("canvas", ATTRIBUTES);
  /** The keyframes' images by frame: painted, or the artist's own. @type {Map<number, HTMLImageElement>} */
  images = new Map();
  /** How often it was drawn. */
  nDrawn = 0;

  /** It is being drawn: whoever shows the same beside it may do so now. @type {Signal<void>} */
  painted = createSignal();
  /** It has another size. @type {Signal<void>} */
  resized = createSignal();
  /** The palette was read anew. @type {Signal<void>} */
  themed = createSignal();

  #context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
  #size = { width: 0, height: 0 };
  /** @type {Theme | null} */
  #theme = null;
  #isScheduled = false;
  /** The pyramids of a result, made once. @type {Outlines} */
  #outlines = { of: null, wave: null, curve: null };
  #session;
  #notes;
  #scope;

  /** @param {{ session: Session, notes: Notes, scope: Scope }} parts */
  constructor({ session, notes, scope }) {
    this.#session = session;
    this.#notes = notes;
    this.#scope = scope;
    session.state.changed.on(() => this.redraw());
    this.#observe();
  }

  /** What of the clip is seen. */
  view() {
    const { state, nFrames } = this.#session;
    return clampView(state.view ?? fit(nFrames), nFrames);
  }

  boxes() {
    const hasNotes = this.#notes.list().length > 0 || this.#notes.problem() !== "";
    const has = { hasImages: this.images.size > 0, hasNotes };
    return layout(this.#size.width, this.#size.height, has);
  }

  width() {
    return this.#size.width;
  }

  /** The notes at their frames. */
  frameNotes() {
    return this.#notes.list().map(({ time_s, text }) => ({ frame: time_s * this.#session.fps, text }));
  }

  /** Where each note is, in pixels. */
  noteSpans() {
    return noteSpans(this.frameNotes(), this.view(), this.#size.width);
  }

  /**
   * Where an event happened, in the pixels of the canvas, however the graph is zoomed.
   * @param {PagePoint} point @returns {Place}
   */
  place({ clientX, clientY }) {
    const { box, zoom } = this.#onPage();
    return { x: (clientX - box.left) / zoom, y: (clientY - box.top) / zoom, zoom };
  }

  /**
   * Where on the page the marker of a frame is.
   * @param {number} frame @returns {PagePoint}
   */
  pointOf(frame) {
    const { box, zoom } = this.#onPage();
    const { keys } = this.boxes();
    const { width } = this.#size;
    const x = Math.min(width, Math.max(0, frameToX(frame, this.view(), width)));
    return { clientX: box.left + x * zoom, clientY: box.top + (keys.y + keys.height / 2) * zoom };
  }

  /** Draws before the next repaint of the screen. */
  redraw() {
    if (this.#isScheduled || !this.#scope.isAttached) return;
    this.#isScheduled = true;
    this.#scope.frame(() => {
      this.#isScheduled = false;
      this.#paint();
    });
  }

  #onPage() {
    const box = this.canvas.getBoundingClientRect();
    return { box, zoom: box.width / this.#size.width || 1 };
  }

  #forgetTheme() {
    this.#theme = null;
    this.redraw();
  }

  #paint() {
    const { canvas } = this;
    const { width, height } = this.#size;
    if (!width || !height || !canvas.isConnected) return;
    const ratio = Math.min(MOST_RATIO, Math.max(1, devicePixelRatio * this.#onPage().zoom));
    const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== across || canvas.height !== down) Object.assign(canvas, { width: across, height: down });
    if (!this.#theme) {
      this.#theme = readTheme(canvas);
      this.themed.emit();
    }
    this.nDrawn++;
    this.painted.emit();
    draw(this.#context, this.#scene(ratio, this.#theme));
    updateAria(canvas, this.#session, this.frameNotes());
  }

  /** @param {number} ratio @param {Theme} theme @returns {Scene} */
  #scene(ratio, theme) {
    const session = this.#session;
    const { state, plan, previewPlan, measured } = session;
    const { wave, curve } = this.#outlinesOf(measured);
    const hasFocus = document.activeElement === this.canvas && !previewPlan;
    const isOtherClip = ["length", "rate"].includes(session.status.problem ?? "");
    return {
      ...this.#size,
      ratio,
      theme,
      boxes: this.boxes(),
      view: this.view(),
      nFrames: session.nFrames,
      fps: session.fps,
      unit: state.unit,
      plan,
      previewPlan,
      selection: new Set(session.frames),
      focus: hasFocus ? state.focus : null,
      hover: state.hover,
      box: state.box,
      snapMark: state.snapMark,
      snapTo: state.snapTo,
      playhead: plan ? state.playhead : null,
      loop: state.activeLoop,
      wave,
      curve,
      onsets: measured?.onsets ?? [],
      candidates: measured?.candidates ?? [],
      beats: beatsOn(measured?.beats, state.beatGrid),
      images: this.images,
      notes: this.frameNotes(),
      notesProblem: this.#notes.problem(),
      noSound: isOtherClip ? OTHER_CLIP : undefined,
    };
  }

  /** @param {RunResult | null} result @returns {Outlines} */
  #outlinesOf(result) {
    if (this.#outlines.of !== result) {
      const { peaks = null, curve = null } = result ?? {};
      const wave = peaks && levelsOf(peaks.min, peaks.max);
      this.#outlines = { of: result, wave, curve: curve && Float32Array.from(curve) };
    }
    return this.#outlines;
  }

  #observe() {
    const { canvas } = this;
    const scope = this.#scope;
    const size = new ResizeObserver(() => {
      this.#size = { width: canvas.clientWidth, height: canvas.clientHeight };
      this.resized.emit();
      this.redraw();
    });
    scope.add(
      () => size.disconnect(),
      () => size.observe(canvas),
    );
    // palettes change the page's own style and class
    const palette = new MutationObserver(() => this.#forgetTheme());
    const watchPalette = () => {
      for (const root of [document.documentElement, document.body]) {
        palette.observe(root, { attributes: true, attributeFilter: ["class", "style"] });
      }
      this.#forgetTheme(); // it may have changed in the meantime
    };
    scope.add(() => palette.disconnect(), watchPalette);
    scope.add(() => {
      this.#isScheduled = false; // it ends with the scope
    });
    for (const type of ["focus", "blur", "pointerenter"]) scope.listen(canvas, type, () => this.redraw());
  }
}

/**
 * What a screen reader says of the timeline.
 * @param {HTMLCanvasElement} canvas @param {Session} session @param {FrameNote[]} notes
 */
function updateAria(canvas, session, notes) {
  const { state, plan, previewPlan, shownPlan } = session;
  const frame = previewPlan ? (session.frames[0] ?? 0) : (state.focus ?? Math.round(state.playhead));
  const keyframe = shownPlan && keyframeAt(shownPlan, frame);
  const here = notes.filter((note) => Math.round(note.frame) === frame).map(({ text }) => say(`note: ${text}`));
  const values = {
    "aria-valuemin": 0,
    "aria-valuemax": session.nFrames - 1,
    "aria-valuenow": frame,
    "aria-valuetext": [inWords(session, keyframe, frame), ...here].join(", "),
    "aria-disabled": !plan,
  };
  for (const [name, value] of Object.entries(values)) {
    if (canvas.getAttribute(name) !== String(value)) canvas.setAttribute(name, String(value));
  }
}

/** @param {Session} session @param {Keyframe | null} keyframe @param {number} frame @returns {string} */
function inWords({ plan, state, fps }, keyframe, frame) {
  if (!plan) return say("No keyframes yet");
  const where = `frame ${frame}, ${timeAt(frame, fps).toFixed(2)} seconds`;
  if (!keyframe) return say(`Playhead at ${where}`);
  const parts = [
    `${keyframe.kind} keyframe at ${where}`,
    keyframe.locked && "locked",
    keyframe.prompt && `prompt: ${keyframe.prompt}`,
    keyframe.image && `image: ${keyframe.image}`,
    state.selection.has(frame) && "selected",
    state.selection.size > 1 && `${state.selection.size} selected in all`,
  ];
  return parts.flatMap((part) => (part ? [say(part)] : [])).join(", ");
}
