// The canvas: what it shows, and that it is drawn at most once per frame of the screen.

import { draw } from "./draw.mjs";
import { clampView, fit, frameToX, layout } from "./geometry.mjs";
import { element } from "../dom.mjs";
import { levelsOf } from "./levels.mjs";
import { keyframeAt } from "../plan/plan.mjs";
import { readTheme } from "./theme.mjs";
import { label, timeAt } from "../plan/timebase.mjs";

const MOST_RATIO = 4; // pixels of the canvas per CSS pixel: sharp at any zoom of the graph, and never huge

const OTHER_CLIP = "What was heard belongs to another clip than these keyframes: choose above what becomes of them.";

/** {canvas, look, redraw(), ...}; look holds what only the pointer knows: {hover, box, snapMark}. */
export function createTimeline({ session, scope }) {
  const canvas = element("canvas", {
    tabindex: "0",
    role: "slider",
    "aria-label": "Keyframe timeline",
    "aria-roledescription": "timeline",
    "aria-orientation": "horizontal",
    "aria-keyshortcuts": "ArrowLeft ArrowRight ArrowUp ArrowDown Home End A Delete L S Space Enter M",
  });
  const context = canvas.getContext("2d");
  const look = { hover: null, box: null, snapMark: null, snapTo: null };
  const hooks = { onTheme: () => {}, onSize: () => {}, onPaint: () => {} };
  const timeline = { canvas, look, images: new Map(), nDrawn: 0, ...hooks };
  let size = { width: 0, height: 0 };
  let theme = null;
  let scheduled = 0;
  let outlines = { of: null }; // the pyramids of a result, made once

  timeline.view = () => clampView(session.state.view ?? fit(session.nFrames), session.nFrames);
  timeline.boxes = () => layout(size.width, size.height, { hasImages: timeline.images.size > 0 });
  timeline.width = () => size.width;
  /** Where an event happened, in the pixels of the canvas, however the graph is zoomed. */
  timeline.place = ({ clientX, clientY }) => {
    const box = canvas.getBoundingClientRect();
    const zoom = box.width / size.width || 1;
    return { x: (clientX - box.left) / zoom, y: (clientY - box.top) / zoom, zoom };
  };
  /** Where on the page the marker of a frame is: {clientX, clientY}. */
  timeline.pointOf = (frame) => {
    const box = canvas.getBoundingClientRect();
    const zoom = box.width / size.width || 1;
    const { keys } = timeline.boxes();
    const x = Math.min(size.width, Math.max(0, frameToX(frame, timeline.view(), size.width)));
    return { clientX: box.left + x * zoom, clientY: box.top + (keys.y + keys.height / 2) * zoom };
  };
  timeline.redraw = () => {
    scheduled ||= requestAnimationFrame(() => {
      scheduled = 0;
      paint();
    });
  };
  timeline.forgetTheme = () => {
    theme = null;
    timeline.redraw();
  };

  function outlinesOf(result) {
    if (outlines.of !== result) {
      const { peaks = null, curve = null } = result ?? {};
      const wave = peaks && levelsOf(peaks.min, peaks.max);
      outlines = { of: result, wave, curve: curve && Float32Array.from(curve) };
    }
    return outlines;
  }

  function paint() {
    const { width, height } = size;
    if (!width || !height || !canvas.isConnected) return;
    const zoom = canvas.getBoundingClientRect().width / width || 1;
    const ratio = Math.min(MOST_RATIO, Math.max(1, devicePixelRatio * zoom));
    const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== across || canvas.height !== down) Object.assign(canvas, { width: across, height: down });
    if (!theme) {
      theme = readTheme(canvas);
      timeline.onTheme();
    }
    const { state, plan, previewPlan, measured } = session;
    const { wave, curve } = outlinesOf(measured);
    const boxes = timeline.boxes();
    timeline.nDrawn++;
    timeline.onPaint();
    draw(context, {
      ...look,
      boxes,
      width,
      height,
      ratio,
      theme,
      plan,
      previewPlan,
      wave,
      curve,
      view: timeline.view(),
      nFrames: session.nFrames,
      fps: session.fps,
      unit: state.unit,
      selection: new Set(session.frames),
      focus: document.activeElement === canvas && !previewPlan ? state.focus : null,
      playhead: plan ? state.playhead : null,
      loop: state.isLooping ? state.loop : null,
      onsets: measured?.onsets ?? [],
      beats: measured?.beats ?? [],
      images: timeline.images,
      noSound: ["length", "rate"].includes(session.status.problem) ? OTHER_CLIP : undefined,
    });
    tell();
  }

  /** What a screen reader says of the timeline. */
  function tell() {
    const { state, plan, previewPlan } = session;
    const shown = previewPlan ?? plan;
    const frame = previewPlan ? (session.frames[0] ?? 0) : (state.focus ?? Math.round(state.playhead));
    const keyframe = shown && keyframeAt(shown, frame);
    const values = {
      "aria-valuemin": 0,
      "aria-valuemax": session.nFrames - 1,
      "aria-valuenow": frame,
      "aria-valuetext": inWords(keyframe, frame),
      "aria-disabled": !plan,
    };
    for (const [name, value] of Object.entries(values)) {
      if (canvas.getAttribute(name) !== String(value)) canvas.setAttribute(name, String(value));
    }
  }

  function inWords(keyframe, frame) {
    const { plan, state } = session;
    if (!plan) return "No keyframes yet";
    const where = `frame ${frame}, ${timeAt(frame, session.fps).toFixed(2)} seconds`;
    if (!keyframe) return `Playhead at ${where}`;
    const isSelected = state.selection.has(frame) ? ", selected" : "";
    const also = state.selection.size > 1 ? `, ${state.selection.size} selected in all` : "";
    return `${keyframe.kind} keyframe at ${where}${keyframe.locked ? ", locked" : ""}${isSelected}${also}`;
  }

  timeline.label = (frame) => label(frame, session.state.unit, session.fps);

  const resized = new ResizeObserver(() => {
    size = { width: canvas.clientWidth, height: canvas.clientHeight };
    timeline.onSize();
    timeline.redraw();
  });
  scope.add(
    () => resized.disconnect(),
    () => resized.observe(canvas),
  );
  // palettes change the page's own style and class
  const palette = new MutationObserver(timeline.forgetTheme);
  const watchPalette = () => {
    for (const root of [document.documentElement, document.body]) {
      palette.observe(root, { attributes: true, attributeFilter: ["class", "style"] });
    }
    timeline.forgetTheme(); // it may have changed in the meantime
  };
  scope.add(() => palette.disconnect(), watchPalette);
  scope.add(() => {
    cancelAnimationFrame(scheduled);
    scheduled = 0;
  });
  for (const type of ["focus", "blur", "pointerenter"]) scope.listen(canvas, type, timeline.redraw);
  return timeline;
}
