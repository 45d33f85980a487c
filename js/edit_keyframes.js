// Edit Keyframes: the timeline editor in its node. All that it needs of ComfyUI is here; the editor is in editor/.
//
// The widget's value is a text, and the text is the whole truth: an empty one passes the prediction on. Running the
// node never changes it; only the artist does.

import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";
import { sheetsDownstream } from "./editor/pictures.mjs";
import { createView, CSS_CLASS } from "./editor/view.mjs";
import { remountSoon } from "./remount.mjs";

const NODE_ID = "KeyVID_EditKeyframes";
const SHEET_ID = "KeyVID_KeyframeSheet";
const WIDGET_TYPE = "KEYVID_EDIT";
const MIN_HEIGHT = 310; // pixels
const MIN_SIZE = { minWidth: 560, minHeight: 440 }; // of a new node

const living = new Map(); // node -> view

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
  living.set(node, view);
  // a node that is opened is added first and gets its text and id after that
  const attach = () => {
    const key = keyOf(node);
    if (key && view.key !== key) view.attach((view.key = key));
  };
  chain(node, "onConfigure", attach);
  chain(node, "onAdded", () => queueMicrotask(attach));
  chain(node, "onConnectionsChange", () => view.show());
  chain(node, "onRemoved", () => {
    living.delete(node);
    view.dispose();
  });
  return { widget, ...MIN_SIZE };
}

/** Pictures of a Keyframe Sheet belong to the editors before it. */
function showSheet(sheet, payload) {
  for (const [node, view] of living) if (sheetsDownstream(node, app.graph).includes(sheet)) view.setSheet(payload);
}

app.registerExtension({
  name: "KeyVID.EditKeyframes",
  afterConfigureGraph: () => remountSoon(app, WIDGET_TYPE, CSS_CLASS),
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
