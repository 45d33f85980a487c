// Edit Keyframes: the timeline editor in its node. All that it needs of ComfyUI is in this folder; the editor is in ../editor/.
//
// The widget's value is a text, and the text is the whole truth: an empty one passes the prediction on. Running the
// node never changes it; only the artist does. To the server it is a plain text input; `beforeRegisterNodeDef` asks
// for the timeline instead of ComfyUI's text box, so that the text is kept wherever none of this is loaded.

import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import { enter, executionIds, nodeAt, shownId } from "./execution_ids.mjs";
import { CSS_CLASS, Editor } from "../editor/editor.mjs";
import { forget, stateOf } from "../editor/state/view_state.mjs";
import { nodesOf } from "./graph_nodes.mjs";
import { remountSoon } from "./remount.mjs";
import { sheetsDownstream } from "./sheets.mjs";

const NODE_ID = "KeyVID_EditKeyframes";
const SHEET_ID = "KeyVID_KeyframeSheet";
const WIDGET_TYPE = "KEYVID_EDIT";
const MIN_HEIGHT = 310; // pixels
const MIN_SIZE = { minWidth: 560, minHeight: 440 }; // of a new node
const NO_TIMELINE =
  "The timeline cannot be shown in this browser, so the edit is a text box. Nothing of it is lost: frames such as " +
  "0, 7, 12 are a whole plan. A newer browser may help.";
const MOST_SHEETS = 64; // remembered; the one that ran longest ago is forgotten

const living = new Map(); // node -> editor, of the nodes that are in a graph
const painted = new Map(); // "workflow/execution id" of a Keyframe Sheet -> its payload, the latest run last

/** What the editor asks of ComfyUI (`Host` of editor/state/session.mjs). widget: the one that carries its text. */
function hostOf(node, widget) {
  return {
    write(text) {
      widget().callback?.(text);
      node.graph?.setDirtyCanvas?.(true, false);
      app.extensionManager.workflow.activeWorkflow?.changeTracker?.captureCanvasState(); // one step of undo
    },
    type: (text) => widget().callback?.(text),
    runUpToHere: () => app.queuePrompt(0, 1, [shownId(node, app.graph)]),
    hasPlan: () => node.inputs?.some((input) => input.name === "plan" && input.link != null) ?? false,
    sheets: () => sheetsFor(node),
    urlOf: (file) => api.apiURL(`/view?${new URLSearchParams(file)}`),
    ask: (title, message, defaultValue) => app.extensionManager.dialog.prompt({ title, message, defaultValue }),
    save(name, text) {
      const link = document.createElement("a");
      link.download = name;
      link.href = `data:text/plain;charset=utf-8,${encodeURIComponent(text)}`;
      link.click();
    },
    leaveWheelToGraph(event) {
      if (node.graph === null || document.querySelector("[data-node-id]")) return; // Nodes 2.0 has it already
      app.canvas.canvas.dispatchEvent(new WheelEvent("wheel", event));
      event.preventDefault();
    },
  };
}

/** What is seen of a node is remembered under this key, by place in the prompt; null while it is in no graph. */
function keyOf(node, id = shownId(node, app.graph)) {
  return node.graph && Number(node.id) !== -1 ? `${app.graph.id}/${node.graph.id}/${id}` : null;
}

/** What came with a workflow, or from an API client, as the text that an edit is. */
function textOf(value) {
  if (value === null || value === undefined || value === "None") return ""; // None: ComfyUI's null, as text
  return typeof value === "string" ? value : JSON.stringify(value);
}

function chain(object, name, after) {
  const before = object[name];
  object[name] = function (...given) {
    const result = before?.apply(this, given);
    after.apply(this, given);
    return result;
  };
}

/** The timeline; where it cannot be made, ComfyUI's own text box. */
function addWidget(node, name, inputData) {
  let widget = null;
  let editor;
  try {
    editor = new Editor(hostOf(node, () => widget));
  } catch (error) {
    console.error("KeyVID: the timeline of Edit Keyframes cannot be shown; its edit is shown as text.", error);
    app.extensionManager.toast.add({ severity: "warn", summary: "Edit Keyframes", detail: NO_TIMELINE, life: 20000 });
    const { default: text, placeholder } = inputData[1] ?? {};
    return app.widgets.STRING(node, name, ["STRING", { default: text, placeholder, multiline: true }], app);
  }
  editor.text = inputData[1]?.default ?? "";
  widget = node.addDOMWidget(name, WIDGET_TYPE, editor.root, {
    getValue: () => editor.text,
    setValue: (value) => {
      editor.text = textOf(value);
    },
    getMinHeight: () => MIN_HEIGHT,
    hideOnZoom: false,
    socketless: true,
  });
  widget.editor = editor;
  let isConfigured = false;
  chain(node, "onConfigure", () => {
    isConfigured = true;
    removeTextSocket(node, name);
    attach(node, editor);
  });
  // copying makes nodes too that never get into a graph: those start nothing
  chain(node, "onAdded", () => {
    living.set(node, editor);
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

/** The text box has a socket, which the timeline has not: one that was saved with it goes, unless something is on it. */
function removeTextSocket(node, name) {
  const slot = node.inputs.findIndex((input) => input.name === name && input.link == null);
  if (slot >= 0) node.removeInput(slot);
}

/** Goes on with what was seen at the place where the node is shown now. */
function attach(node, editor) {
  const key = keyOf(node);
  if (!key || editor.key === key) return;
  editor.key = key;
  editor.attach(key);
}

function end(node) {
  living.get(node)?.stop();
  living.delete(node);
}

/** Ends the editors inside subgraphs that went with their workflow: ComfyUI tells only the nodes of the root graph. */
function endGone() {
  const there = new Set(nodesOf(app.graph));
  for (const node of living.keys()) if (!there.has(node)) end(node);
}

/** What the sheets of this workflow have painted: those that are wired to the node first, then the latest. */
function sheetsFor(node) {
  const wired = new Set(sheetsDownstream(node, app.graph).flatMap((sheet) => executionIds(sheet, app.graph)));
  const workflow = `${app.graph.id}/`;
  const ran = [...painted].filter(([key]) => key.startsWith(workflow)).reverse();
  const isWired = ([key]) => wired.has(key.slice(workflow.length));
  return [...ran.filter(isWired), ...ran.filter((one) => !isWired(one))].map(([, payload]) => payload);
}

function showSheet(id, payload) {
  const key = `${app.graph.id}/${id}`;
  painted.delete(key);
  painted.set(key, payload);
  if (painted.size > MOST_SHEETS) painted.delete(painted.keys().next().value);
  endGone();
  for (const editor of living.values()) editor.showImages();
}

/** A result of one place of a node; what is shown may be another place of it. */
function showResult(node, id, result) {
  const key = keyOf(node, id);
  living.get(node)?.setResult(result, key === keyOf(node) ? undefined : stateOf(key));
}

/** Hands on what a node of ours reported. id: its place in the prompt. */
function report(node, id, output) {
  if (node.type === NODE_ID && output?.keyvid_edit) showResult(node, id, output.keyvid_edit[0]);
  if (node.type === SHEET_ID && output?.keyvid_sheet) showSheet(id, output.keyvid_sheet[0]);
}

export const extension = {
  name: "KeyVID.EditKeyframes",
  setup() {
    // a node of a subgraph that is placed twice is run twice, and only this event says which place it was
    api.addEventListener("executed", ({ detail }) => {
      const id = String(detail.display_node || detail.node);
      const node = nodeAt(id, app.graph);
      if (node && executionIds(node, app.graph).length > 1) report(node, id, detail.output);
    });
    app.canvas.canvas.addEventListener("subgraph-opened", ({ detail }) => {
      enter(detail.fromNode);
      endGone();
      for (const [node, editor] of living) attach(node, editor);
    });
  },
  afterConfigureGraph() {
    endGone();
    remountSoon(app, WIDGET_TYPE, CSS_CLASS);
  },
  getCustomWidgets: () => ({ [WIDGET_TYPE]: addWidget }),
  beforeRegisterNodeDef(nodeType, nodeData) {
    if (nodeData.name === NODE_ID) nodeData.input.optional.edit[1].widgetType = WIDGET_TYPE;
    if (![NODE_ID, SHEET_ID].includes(nodeData.name)) return;
    chain(nodeType.prototype, "onExecuted", function (output) {
      const ids = executionIds(this, app.graph);
      if (ids.length === 1) report(this, ids[0], output);
    });
  },
};
