// @ts-check
// The editor of one node: puts the parts together, starts them, and takes all of them away again.

import { Playback } from "./audio/playback.mjs";
import { Timeline } from "./canvas/timeline.mjs";
import { createScope, element } from "./dom.mjs";
import { createCommands } from "./input/commands.mjs";
import { attachDrop } from "./input/drop.mjs";
import { attachKeyboard } from "./input/keyboard.mjs";
import { Pointer } from "./input/pointer.mjs";
import { attachWheel } from "./input/wheel.mjs";
import { createBanner } from "./panels/banner.mjs";
import { createEmptyState } from "./panels/empty_state.mjs";
import { createInspector } from "./panels/inspector.mjs";
import { createLegend } from "./panels/legend.mjs";
import { createMessageLine } from "./panels/message_line.mjs";
import { menuItems, openMenu } from "./panels/menu.mjs";
import { createPanel } from "./panels/panel.mjs";
import { addStyles } from "./panels/styles.mjs";
import { createToolbar } from "./panels/toolbar.mjs";
import { imageLoader, imagesFor, sheetOf } from "./state/painted_keyframes.mjs";
import { createNotes } from "./state/notes.mjs";
import { ownImages } from "./state/own_images.mjs";
import { Session } from "./state/session.mjs";

/** @import { Scope } from "./dom.mjs" */
/** @import { CommandParts, FocusTarget } from "./input/commands.mjs" */
/** @import { RunResult } from "./state/edit_status.mjs" */
/** @import { Host } from "./state/session.mjs" */
/** @import { NodeState } from "./state/view_state.mjs" */

/** The class of the editor's element. */
export const CSS_CLASS = "keyvid-edit";
const UNDO_MS = 10_000; // longest time that undo may take

/** The editor of one node. */
export class Editor {
  root = element("div", { class: CSS_CLASS, role: "group", "aria-label": "Keyframe editor" });
  /** @type {Session} */
  session;
  /** @type {Timeline} */
  timeline;
  #host;
  #notes;
  #scope = createScope();
  /** @type {Playback} */
  #playback;
  #pointer;
  #shown;
  #commands;
  /** @type {() => void} */
  #closeMenu = () => {};
  #loadImage = imageLoader(() => this.timeline.redraw());

  /** @param {Host} host */
  constructor(host) {
    addStyles();
    this.#host = host;
    const scope = this.#scope;
    const messages = createMessageLine(scope);
    const showMessage = messages.show;
    const session = new Session({ host, showMessage });
    const notes = createNotes({ host, showMessage });
    this.#notes = notes;
    const timeline = new Timeline({ session, notes, scope });
    const playback = new Playback({ session, timeline, host, showMessage, scope });
    /** @type {CommandParts} */
    const parts = {
      session,
      notes,
      timeline,
      playback,
      host,
      showMessage,
      requestFocus: (target) => this.#focus(target),
      openMenu: (point, target = null) => this.#openMenu(point, target),
    };
    const commands = createCommands(parts);
    const all = { ...parts, host, commands, scope };
    this.session = session;
    this.timeline = timeline;
    this.#playback = playback;
    this.#commands = commands;
    this.#shown = {
      toolbar: createToolbar(all),
      banner: createBanner(all),
      emptyState: createEmptyState(all),
      panel: createPanel(all),
      inspector: createInspector(all),
      legend: createLegend(all),
    };
    this.#pointer = new Pointer(all);
    attachWheel(all);
    attachDrop(all);
    attachKeyboard({ ...all, pointer: this.#pointer });
    this.#layOut(messages.root);
    this.#listen();
    this.show();
  }

  /** The widget's value. */
  get text() {
    return this.session.text;
  }
  set text(text) {
    if (text !== this.session.text) this.#pointer.cancel(); // the gesture under way was of the other text
    this.session.setText(text);
  }

  /**
   * Resumes what was seen of the node of this key; the keyboard comes along.
   * @param {string} key
   */
  attach(key) {
    this.session.attach(key);
    this.#takeFocus();
  }

  /** @param {RunResult} result @param {NodeState} [of] as Session.setResult takes them */
  setResult(result, of) {
    this.session.setResult(result, of);
  }

  /** A Keyframe Sheet has painted. */
  showImages() {
    this.#loadImage.forget();
    this.#refreshImages();
    this.timeline.redraw();
  }

  /** Shows everything as it is now. */
  show() {
    this.#showPanels();
    this.timeline.redraw();
  }

  /** Its node is in a graph: listens and observes from here on. */
  start() {
    this.#scope.attach();
    this.#refresh();
  }

  /** Its node is in no graph any more: leaves nothing behind, no sound either. It may be started again. */
  stop() {
    if (!this.#scope.isAttached) return;
    this.#scope.detach();
    this.#closeMenu();
  }

  /** @param {HTMLElement} message */
  #layOut(message) {
    const { toolbar, banner, emptyState, panel, inspector, legend } = this.#shown;
    const over = element("div", { class: "keyvid-message" }, message);
    const about = { class: "keyvid-timeline" };
    const field = element("div", about, this.timeline.canvas, emptyState.root, panel.root, over);
    field.dataset.captureWheel = "true"; // what Nodes 2.0 asks for before it zooms the graph
    this.root.append(toolbar.root, banner.root, field, inspector.root, legend.root);
  }

  #listen() {
    const { session, timeline, root } = this;
    session.changed.on(() => this.#refresh());
    timeline.painted.on(() => this.#showPanels());
    timeline.resized.on(() => this.#takeFocus());
    // what is done here is not meant for the graph below; Ctrl and Cmd are ComfyUI's
    const onKey = (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Escape" && session.state.panel) this.#commands.togglePanel(null);
      if (!event.ctrlKey && !event.metaKey) event.stopPropagation();
      else if (/^[zy]$/i.test(event.key) && event.target === timeline.canvas) {
        session.state.setUndoneAt(performance.now());
      }
    };
    this.#scope.listen(root, "keydown", onKey);
    for (const type of ["pointerdown", "dblclick", "contextmenu"]) {
      this.#scope.listen(root, type, (/** @type {Event} */ event) => event.stopPropagation());
    }
  }

  #showPanels() {
    const { emptyState, panel, ...others } = this.#shown;
    for (const part of [emptyState, panel, ...Object.values(others)]) part.show();
    // the keyboard must not be on what cannot be seen
    this.timeline.canvas.inert = !panel.root.hidden || !emptyState.root.hidden;
  }

  /** After another text, plan or result. */
  #refresh() {
    if (!this.#scope.isAttached) return;
    this.#refreshImages();
    this.#playback.follow();
    this.show();
  }

  #refreshImages() {
    const { plan } = this.session;
    const sheet = sheetOf(this.#host.sheets?.() ?? [], plan);
    const options = { plan, urlOf: this.#host.urlOf, load: this.#loadImage };
    this.timeline.images = new Map([...imagesFor(sheet, options), ...ownImages(options)]);
  }

  /** @param {FocusTarget} target */
  #focus(target) {
    const { panel, inspector, emptyState } = this.#shown;
    this.show(); // what gets the keyboard has to be there
    if (target === "panel") panel.focus();
    else if (target === "frame") inspector.focusFrame();
    else if (target === "words") inspector.focusWords();
    else (this.timeline.canvas.inert ? emptyState : this.timeline.canvas).focus({ preventScroll: true });
  }

  /** Undo throws the element away that has the keyboard: the new one takes it as soon as it is on the page. */
  #takeFocus() {
    const { state } = this.session;
    const { undoneAt } = state;
    if (undoneAt === null || !this.timeline.width() || !this.root.isConnected) return;
    state.setUndoneAt(null);
    if (performance.now() - undoneAt < UNDO_MS) this.#focus("timeline");
  }

  /** @type {CommandParts["openMenu"]} */
  #openMenu(point, target = null) {
    this.#closeMenu();
    const items = menuItems({ session: this.session, notes: this.#notes, commands: this.#commands }, target);
    this.#closeMenu = openMenu(items, point, () => {
      this.#closeMenu = () => {};
      if (this.#scope.isAttached && !this.session.state.panel) this.#focus("timeline");
    });
  }
}
