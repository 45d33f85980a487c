// Edit Keyframes: the widget that holds the artist's edit as readable text.
//
// The text is the whole truth: an empty one passes the prediction on. Running the node never changes it;
// only the artist does, by typing or with the two buttons.

import { app } from "../../scripts/app.js";
import { remountSoon } from "./remount.mjs";

const NODE_ID = "KeyVID_EditKeyframes";
const WIDGET_TYPE = "KEYVID_EDIT";
const CSS_CLASS = "keyvid-edit";
const PLACEHOLDER =
  "Empty: the predicted keyframes are used as they are.\n" +
  "Run the node once, then press Edit prediction. Or type the frames of your own plan, such as 0, 7, 12.";

class EditView {
  constructor(text) {
    this.result = null; // what the last run reported: { prediction, plan, notice }
    this.root = document.createElement("div");
    this.root.className = CSS_CLASS;
    this.root.style.cssText = "display:flex;flex-direction:column;gap:4px;min-height:150px;overflow:hidden";

    this.text = document.createElement("textarea");
    this.text.value = text ?? "";
    this.text.placeholder = PLACEHOLDER;
    this.text.spellcheck = false;
    this.text.setAttribute("aria-label", "Keyframe edit");
    this.text.style.cssText =
      "flex:1;resize:none;font:11px monospace;padding:6px;border:1px solid var(--border-color);" +
      "border-radius:4px;background:var(--comfy-input-bg);color:var(--input-text)";

    this.notice = document.createElement("div");
    this.notice.setAttribute("role", "status");
    this.notice.style.cssText = "font-size:11px;color:var(--warning-text, #f5a623);display:none";

    const buttons = document.createElement("div");
    buttons.style.cssText = "display:flex;gap:4px";
    this.start = button("Edit prediction", "Copies the predicted keyframes into the box, to be changed by hand");
    this.clear = button("Clear edit", "Forgets the edit and goes back to the prediction");
    buttons.append(this.start, this.clear);
    this.root.append(this.text, this.notice, buttons);

    this.text.dataset.captureWheel = "true"; // what Nodes 2.0 asks for before it zooms the graph
    this.text.addEventListener("input", () => this.commit());
    // The canvas must not take keys and drags that are meant for the text.
    for (const type of ["pointerdown", "keydown", "wheel", "contextmenu"]) {
      this.text.addEventListener(type, (event) => event.stopPropagation());
    }
    this.start.addEventListener("click", () => this.startEdit());
    this.clear.addEventListener("click", () => this.write(""));
    this.showResult(null);
  }

  write(text) {
    this.text.value = text;
    this.commit();
    app.extensionManager.workflow.activeWorkflow?.changeTracker?.captureCanvasState(); // one undo step
  }

  commit() {
    this.widget?.callback?.(this.text.value);
    this.showResult(this.result);
  }

  startEdit() {
    const { prediction } = this.result;
    this.write(JSON.stringify({ version: 1, plan: prediction, base: prediction }, null, 1));
  }

  showResult(result) {
    this.result = result;
    this.start.disabled = !result || this.text.value.trim() !== "";
    this.clear.disabled = this.text.value === "";
    const notice = this.text.value.trim() === "" ? "" : (result?.notice ?? "");
    this.notice.textContent = notice;
    this.notice.style.display = notice ? "block" : "none";
  }
}

function button(label, title) {
  const element = document.createElement("button");
  element.textContent = label;
  element.title = title;
  element.style.cssText = "flex:1;padding:3px 6px;font-size:11px";
  return element;
}

app.registerExtension({
  name: "KeyVID.EditKeyframes",
  afterConfigureGraph: () => remountSoon(app, WIDGET_TYPE, CSS_CLASS),
  getCustomWidgets: () => ({
    [WIDGET_TYPE](node, name, inputData) {
      const view = new EditView(inputData[1]?.default);
      const widget = node.addDOMWidget(name, WIDGET_TYPE, view.root, {
        getValue: () => view.text.value,
        setValue: (text) => {
          view.text.value = text ?? "";
          view.showResult(view.result);
        },
        getMinHeight: () => 160,
        hideOnZoom: false,
        socketless: true,
      });
      view.widget = widget;
      widget.view = view;
      return { widget, minWidth: 320, minHeight: 240 };
    },
  }),
  beforeRegisterNodeDef(nodeType, nodeData) {
    if (nodeData.name !== NODE_ID) return;
    const onExecuted = nodeType.prototype.onExecuted;
    nodeType.prototype.onExecuted = function (output) {
      onExecuted?.apply(this, arguments);
      const widget = this.widgets?.find((candidate) => candidate.type === WIDGET_TYPE);
      if (widget && output?.keyvid_edit) widget.view.showResult(output.keyvid_edit[0]);
    };
  },
});
