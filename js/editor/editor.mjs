// The editor of one node: puts the parts together, starts them, and takes all of them away again.

import { createBanner } from "./panels/banner.mjs";
import { createCommands } from "./input/commands.mjs";
import { createScope, element } from "./dom.mjs";
import { attachInput } from "./input/pointer.mjs";
import { createInspector } from "./panels/inspector.mjs";
import { commandOf } from "./input/keys.mjs";
import { createLegend } from "./panels/legend.mjs";
import { menuItems, openMenu } from "./panels/menu.mjs";
import { createPanel } from "./panels/panel.mjs";
import { imageLoader, imagesFor, sheetOf } from "./state/painted_keyframes.mjs";
import { createPlayback } from "./audio/playback.mjs";
import { createSession } from "./state/session.mjs";
import { createTimeline } from "./canvas/timeline.mjs";
import { createStart } from "./panels/empty_state.mjs";
import { addStyles } from "./panels/styles.mjs";
import { createToolbar } from "./panels/toolbar.mjs";

/** The class of the editor's element. */
export const CSS_CLASS = "keyvid-edit";
const UNDO_MS = 10_000; // longest time that undo may take
const SAID_MS = { problem: 9000, done: 3500 };

/**
 * @typedef {Object} Host what the editor needs of ComfyUI
 * @property {(text: string) => void} write keeps a text as the widget's value, as one step of undo
 * @property {(text: string) => void} type the same for text that is being typed: ComfyUI makes the steps of undo
 * @property {() => void} runUpToHere
 * @property {() => boolean} hasPlan whether a wire comes to the plan input; a plan may come without one
 * @property {() => object[]} [sheets] what Keyframe Sheets have painted (keyvid_sheet[0]), the one to be preferred first
 * @property {(file: {filename: string, subfolder: string, type: string}) => string} urlOf
 * @property {(title: string, message: string, value: string) => Promise<string|null>} ask
 * @property {(name: string, text: string) => void} save offers a file
 * @property {(event: WheelEvent) => void} leaveWheelToGraph
 */

/** @param {Host} host */
export function createView(host) {
  addStyles();
  const scope = createScope();
  const root = element("div", { class: CSS_CLASS, role: "group", "aria-label": "Keyframe editor" });
  const said = element("span", { role: "status", "aria-live": "polite" });
  let parts = []; // what shows the session, besides the canvas
  let closeMenu = null;
  let saidUntil = 0;

  const say = (sentence, isProblem) => {
    said.textContent = sentence;
    said.dataset.problem = isProblem;
    clearTimeout(saidUntil);
    saidUntil = setTimeout(() => (said.textContent = ""), isProblem ? SAID_MS.problem : SAID_MS.done);
  };
  const show = () => {
    for (const part of parts) part.show();
    editor.stage?.redraw();
  };

  const editor = { host, root, say, show };
  const session = createSession({ host, say, onChange });
  editor.session = session;
  const timeline = createTimeline({ session, scope });
  editor.timeline = timeline;
  timeline.onPaint = () => {
    for (const part of parts) part.show();
  };
  editor.playback = createPlayback({ session, timeline, host, say }, scope);
  const commands = createCommands(editor);
  editor.commands = commands;
  editor.openMenu = (point, target = null) => {
    closeMenu?.();
    closeMenu = openMenu(menuItems(editor, target), point, () => {
      closeMenu = null;
      if (scope.isAttached && !session.state.panel) commands.focusTimeline();
    });
  };
  const toolbar = createToolbar(editor);
  const banner = createBanner(editor);
  const start = createStart(editor);
  editor.start = start;
  editor.panel = createPanel(editor);
  editor.inspector = createInspector(editor);
  const legend = createLegend(editor);
  // the keyboard must not be on what cannot be seen
  const cover = { show: () => (timeline.canvas.inert = !editor.panel.root.hidden || !start.root.hidden) };
  parts = [toolbar, banner, start, editor.panel, cover, editor.inspector, legend];
  const over = element("div", { class: "keyvid-message" }, said);
  const field = element("div", { class: "keyvid-timeline" }, timeline.canvas, start.root, editor.panel.root, over);
  field.dataset.captureWheel = "true"; // what Nodes 2.0 asks for before it zooms the graph
  root.append(toolbar.root, banner.root, field, editor.inspector.root, legend.root);
  editor.input = attachInput(editor, scope);

  function onChange(what) {
    if (!scope.isAttached) return;
    if (what === "look") return timeline.redraw(); // and with it the parts, once per frame of the screen
    refreshImages();
    editor.playback.follow();
    show();
  }

  /** Undo throws the element away that has the keyboard: the new one takes it as soon as it is on the page. */
  function takeFocus() {
    const { undoneAt } = session.state;
    if (undoneAt === null || !timeline.width() || !root.isConnected) return;
    session.state.undoneAt = null;
    if (performance.now() - undoneAt < UNDO_MS) commands.focusTimeline();
  }
  timeline.onSize = takeFocus;

  const load = imageLoader(() => timeline.redraw());
  function refreshImages() {
    const sheet = sheetOf(host.sheets?.() ?? [], session.plan);
    timeline.images = imagesFor(sheet, { plan: session.plan, urlOf: host.urlOf, load });
  }

  // a held key is one gesture, which ends when it is let go
  scope.listen(timeline.canvas, "keydown", (event) => {
    const found = commandOf(event);
    if (!found) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.repeat && !found.repeats) return; // a key that stays down would turn it on and off, or add and add
    // with a drag in the hand only its own keys count
    if (editor.input.isBusy() && !["escape", "toggleSnapping"].includes(found.command)) return;
    if (!found.isHeld && !editor.input.isBusy() && found.command !== "escape") session.settle();
    commands[found.command](found.argument);
  });
  const settleKeys = () => editor.input.isBusy() || session.settle(); // a drag settles by itself
  scope.listen(timeline.canvas, "keyup", ({ key }) => {
    if (!["Shift", "Alt", "Control", "Meta"].includes(key)) settleKeys(); // ">" may be let go as "."
  });
  scope.listen(timeline.canvas, "blur", settleKeys);
  // what is done here is not meant for the graph below; Ctrl and Cmd are ComfyUI's
  scope.listen(root, "keydown", (event) => {
    if (event.key === "Escape" && session.state.panel) commands.togglePanel(null);
    if (!event.ctrlKey && !event.metaKey) event.stopPropagation();
    else if (/^[zy]$/i.test(event.key) && event.target === timeline.canvas) session.state.undoneAt = performance.now();
  });
  for (const type of ["pointerdown", "dblclick", "contextmenu"]) {
    scope.listen(root, type, (event) => event.stopPropagation());
  }

  show();
  return {
    root,
    session,
    timeline,
    /** The widget's value. */
    get text() {
      return session.text;
    },
    set text(text) {
      if (text !== session.text) editor.input.cancel(); // what is in the hand was of the other text
      session.setText(text);
    },
    /** Goes on with what was seen of the node of this key; the keyboard comes along. */
    attach(key) {
      session.attach(key);
      takeFocus();
    },
    setResult: (result, state) => session.setResult(result, state),
    /** A Keyframe Sheet has painted. */
    showImages() {
      load.forget();
      refreshImages();
      timeline.redraw();
    },
    show,
    /** Its node is in a graph: listens and observes from here on. */
    start() {
      scope.attach();
      onChange("all");
    },
    /** Its node is in no graph any more: leaves nothing behind, no sound either. It may be started again. */
    stop() {
      if (!scope.isAttached) return;
      scope.detach();
      closeMenu?.();
      clearTimeout(saidUntil);
    },
  };
}
