// @ts-check
// Edit Keyframes: the timeline editor in its node. This folder is all that knows ComfyUI.
//
// The widget's value is a text, and the text is the whole truth: an empty one passes the prediction on. Running the
// node never changes it; only the artist does. To the server it is a plain text input; `beforeRegisterNodeDef` asks
// for the timeline instead of ComfyUI's text box, so that the text is kept wherever none of this is loaded.

import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import { CSS_CLASS, Editor } from "../editor/editor.mjs";
import { forget, stateOf } from "../editor/state/view_state.mjs";
import { hostOf, keepAsOneStep } from "./editor_host.mjs";
import { enter, executionIds, nodeAt, shownId } from "./execution_ids.mjs";
import { nodesOf } from "./graph_nodes.mjs";
import { chain } from "./hooks.mjs";
import { say } from "./language.mjs";
import { rememberSheet } from "./painted_sheets.mjs";
import { remountInSubgraphs, remountSoon } from "./remount.mjs";

/** @import { Extension, GraphNode, NodeId, Widget } from "../../../scripts/app.js" */
/** @import { RunResult } from "../editor/state/edit_status.mjs" */
/** @import { SheetPayload } from "../editor/state/painted_keyframes.mjs" */

/** @typedef {Editor & { key?: string }} KeyedEditor key: under which what is seen of its node is remembered */

const NODE_ID = "KeyVID_EditKeyframes";
const SHEET_ID = "KeyVID_KeyframeSheet";
const WIDGET_TYPE = "KEYVID_EDIT";
const MIN_HEIGHT = 310; // pixels
const MIN_SIZE = { minWidth: 560, minHeight: 440 }; // of a new node
const NO_TIMELINE =
  "The timeline cannot be shown in this browser, so the edit is a text box. Nothing of it is lost: frames such as " +
  "0, 7, 12 are a whole plan. A newer browser may help.";

/** The editors of the nodes that are in a graph. @type {Map<GraphNode, KeyedEditor>} */
const editors = new Map();

/**
 * What is seen of a node is remembered under this key, by place in the prompt; null while it is in no graph.
 * @param {GraphNode} node @param {string} [id] @returns {string | null}
 */
function keyOf(node, id = shownId(node, app.graph)) {
  return node.graph && Number(node.id) !== -1 ? `${app.graph.id}/${node.graph.id}/${id}` : null;
}

/**
 * What came with a workflow, or from an API client, as the text that an edit is.
 * @param {any} value @returns {string}
 */
function textOf(value) {
  if (value === null || value === undefined || value === "None") return ""; // None: ComfyUI's null, as text
  return typeof value === "string" ? value : JSON.stringify(value);
}

/**
 * The timeline; where it cannot be made, ComfyUI's own text box.
 * @param {GraphNode} node @param {string} name @param {any[]} inputData @returns {any}
 */
function addWidget(node, name, inputData) {
  /** @type {Widget | null} */
  let widget = null;
  /** @type {KeyedEditor} */
  let editor;
  try {
    editor = new Editor(hostOf(node, () => widget));
  } catch (error) {
    console.error("KeyVID: the timeline of Edit Keyframes cannot be shown; its edit is shown as text.", error);
    app.extensionManager.toast.add({
      severity: "warn",
      summary: "Edit Keyframes",
      detail: say(NO_TIMELINE),
      life: 20000,
    });
    const { default: text, placeholder } = inputData[1] ?? {};
    return app.widgets.STRING(node, name, ["STRING", { default: text, placeholder, multiline: true }], app);
  }
  editor.text = inputData[1]?.default ?? "";
  widget = node.addDOMWidget(name, WIDGET_TYPE, editor.root, {
    getValue: () => editor.text,
    setValue: (/** @type {any} */ value) => {
      editor.text = textOf(value);
    },
    getMinHeight: () => MIN_HEIGHT,
    hideOnZoom: false,
    socketless: true,
  });
  widget.editor = editor;
  // what was typed, when its box is left: frontend 1.58 no longer looks by itself
  editor.root.addEventListener("change", () => keepAsOneStep(node));
  let isConfigured = false;
  chain(node, "onConfigure", () => {
    isConfigured = true;
    removeTextSocket(node, name);
    attach(node, editor);
  });
  // copying makes nodes too that never get into a graph: those start nothing
  chain(node, "onAdded", () => {
    editors.set(node, editor);
    editor.start();
    // a node that is opened gets its text and id after it was added; one that gets none is new, and its number may
    // have been another node's before: undoing "add node" gives the number back
    queueMicrotask(() => {
      if (!isConfigured && !editor.key) forget(keyOf(node));
      attach(node, editor);
    });
  });
  chain(node, "onConnectionsChange", () => editor.show());
  chain(node, "onRemoved", () => end(node));
  return { widget, ...MIN_SIZE };
}

/**
 * The text box has a socket, which the timeline has not: one that was saved with it goes, unless something is on it.
 * @param {GraphNode} node @param {string} name
 */
function removeTextSocket(node, name) {
  const slot = node.inputs?.findIndex((input) => input.name === name && input.link == null) ?? -1;
  if (slot >= 0) node.removeInput(slot);
}

/**
 * Resumes what was seen at the place where the node is shown now.
 * @param {GraphNode} node @param {KeyedEditor} editor
 */
function attach(node, editor) {
  const key = keyOf(node);
  if (!key || editor.key === key) return;
  editor.key = key;
  editor.attach(key);
}

/** @param {GraphNode} node */
function end(node) {
  editors.get(node)?.stop();
  editors.delete(node);
}

/** Ends the editors inside subgraphs that went with their workflow: ComfyUI notifies only the nodes of the root graph. */
function endGone() {
  const there = new Set(nodesOf(app.graph));
  for (const node of editors.keys()) if (!there.has(node)) end(node);
}

/** @param {string} id @param {SheetPayload} payload */
function showSheet(id, payload) {
  rememberSheet(id, payload);
  endGone();
  for (const editor of editors.values()) editor.showImages();
}

/**
 * A result of one place of a node; what is shown may be another place of it.
 * @param {GraphNode} node @param {string} id @param {RunResult} result
 */
function showResult(node, id, result) {
  const key = keyOf(node, id);
  editors.get(node)?.setResult(result, key === keyOf(node) ? undefined : stateOf(key));
}

/**
 * Hands on what a node of ours reported. id: its place in the prompt.
 * @param {GraphNode} node @param {string} id @param {any} output
 */
function report(node, id, output) {
  if (node.type === NODE_ID && output?.keyvid_edit) showResult(node, id, output.keyvid_edit[0]);
  if (node.type === SHEET_ID && output?.keyvid_sheet) showSheet(id, output.keyvid_sheet[0]);
}

/**
 * The extension of Edit Keyframes, for app.registerExtension.
 * @type {Extension}
 */
export const extension = {
  name: "KeyVID.EditKeyframes",
  setup() {
    // a node of a subgraph that is placed twice is run twice, and only this event says which place it was
    api.addEventListener("executed", ({ detail }) => {
      const id = String(detail.display_node || detail.node);
      const node = nodeAt(id, app.graph);
      if (node && executionIds(node, app.graph).length > 1) report(node, id, detail.output);
    });
    // clearing a workflow takes boxes away with all that is inside, playing or not
    api.addEventListener("graphCleared", endGone);
    app.canvas.canvas.addEventListener("subgraph-opened", (event) => {
      enter(/** @type {CustomEvent} */ (event).detail.fromNode);
      endGone();
      for (const [node, editor] of editors) attach(node, editor);
    });
    remountInSubgraphs(app, WIDGET_TYPE, CSS_CLASS);
  },
  afterConfigureGraph() {
    endGone();
    remountSoon(app, WIDGET_TYPE, CSS_CLASS);
  },
  getCustomWidgets: () => ({ [WIDGET_TYPE]: addWidget }),
  beforeRegisterNodeDef(/** @type {any} */ nodeType, /** @type {any} */ nodeData) {
    if (nodeData.name === NODE_ID) nodeData.input.optional.edit[1].widgetType = WIDGET_TYPE;
    if (![NODE_ID, SHEET_ID].includes(nodeData.name)) return;
    chain(nodeType.prototype, "onExecuted", function (output) {
      const ids = executionIds(this, app.graph);
      if (ids.length === 1) report(this, ids[0], output);
    });
  },
};
