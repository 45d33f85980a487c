// Edit Keyframes: the timeline editor in its node. All that it needs of ComfyUI is here; the editor is in editor/.
//
// The widget's value is a text, and the text is the whole truth: an empty one passes the prediction on. Running the
// node never changes it; only the artist does.

import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";
import { nodesOf, sheetsDownstream } from "./editor/pictures.mjs";
import { createView, CSS_CLASS } from "./editor/view.mjs";
import { forget } from "./editor/viewstate.mjs";
import { remountSoon } from "./remount.mjs";

const NODE_ID = "KeyVID_EditKeyframes";
const SHEET_ID = "KeyVID_KeyframeSheet";
const WIDGET_TYPE = "KEYVID_EDIT";
const MIN_HEIGHT = 310; // pixels
const MIN_SIZE = { minWidth: 560, minHeight: 440 }; // of a new node

const living = new Map(); // node -> view, of the nodes that are in a graph

/** What the editor asks of ComfyUI (`Host` of editor/view.mjs). widget: the one that carries its text. */
function hostOf(node, widget) {
  return {
    write(text) {
      widget().callback?.(text);
      node.graph?.setDirtyCanvas?.(true, false);
      app.extensionManager.workflow.activeWorkflow?.changeTracker?.captureCanvasState(); // one step of undo
    },
    type: (text) => widget().callback?.(text),
    runUpToHere: () => app.queuePrompt(0, 1, [executionId(node)]),
    hasPlan: () => node.inputs?.some((input) => input.name === "plan" && input.link != null) ?? false,
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

/** The node's id in the prompt: "4:2" inside a subgraph. */
function executionId(node) {
  const pathTo = (graph) => {
    if (graph === node.graph) return [];
    for (const around of graph._nodes.filter((one) => one.subgraph)) {
      const path = pathTo(around.subgraph);
      if (path) return [around.id, ...path];
    }
    return null;
  };
  return [...(pathTo(app.graph) ?? []), node.id].join(":");
}

/** What is seen of a node is remembered under this key; null while the node is in no graph. */
function keyOf(node) {
  return node.graph && Number(node.id) !== -1 ? `${app.graph.id}/${node.graph.id}/${node.id}` : null;
}

function chain(object, name, after) {
  const before = object[name];
  object[name] = function (...given) {
    const result = before?.apply(this, given);
    after.apply(this, given);
    return result;
  };
}

function addEditor(node, name, inputData) {
  let widget = null;
  const view = createView(hostOf(node, () => widget));
  view.text = inputData[1]?.default ?? "";
  widget = node.addDOMWidget(name, WIDGET_TYPE, view.root, {
    getValue: () => view.text,
    setValue: (text) => {
      view.text = text;
    },
    getMinHeight: () => MIN_HEIGHT,
    hideOnZoom: false,
    socketless: true,
  });
  widget.view = view;
  const attach = () => {
    const key = keyOf(node);
    if (key && view.key !== key) view.attach((view.key = key));
  };
  let isConfigured = false;
  chain(node, "onConfigure", () => {
    isConfigured = true;
    attach();
  });
  // copying makes nodes too that never get into a graph: those start nothing
  chain(node, "onAdded", () => {
    living.set(node, view);
    view.start();
    // a node that is opened gets its text and id after it was added; one that gets none is new, and its number may
    // have been another node's before: undoing "add node" gives the number back
    queueMicrotask(() => {
      if (!isConfigured && !view.key) forget(keyOf(node));
      attach();
    });
  });
  chain(node, "onConnectionsChange", () => view.show());
  chain(node, "onRemoved", () => end(node));
  return { widget, ...MIN_SIZE };
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

/** Pictures of a Keyframe Sheet belong to the editors before it. */
function showSheet(sheet, payload) {
  endGone();
  for (const [node, view] of living) if (sheetsDownstream(node, app.graph).includes(sheet)) view.setSheet(payload);
}

app.registerExtension({
  name: "KeyVID.EditKeyframes",
  afterConfigureGraph() {
    endGone();
    remountSoon(app, WIDGET_TYPE, CSS_CLASS);
  },
  getCustomWidgets: () => ({ [WIDGET_TYPE]: addEditor }),
  beforeRegisterNodeDef(nodeType, nodeData) {
    if (nodeData.name === NODE_ID) {
      chain(nodeType.prototype, "onExecuted", function (output) {
        if (output?.keyvid_edit) living.get(this)?.setResult(output.keyvid_edit[0]);
      });
    }
    if (nodeData.name === SHEET_ID) {
      chain(nodeType.prototype, "onExecuted", function (output) {
        if (output?.keyvid_sheet) showSheet(this, output.keyvid_sheet[0]);
      });
    }
  },
});
