// @ts-check
// What the editor asks of ComfyUI.

import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import { executionIds, shownId } from "./execution_ids.mjs";
import { say } from "./language.mjs";
import { paintedFor } from "./painted_sheets.mjs";
import { askForRetake, renderNodes } from "./retakes.mjs";
import { pickImage, uploadImage } from "./uploads.mjs";

/** @import { GraphNode, Widget } from "../../../scripts/app.js" */
/** @import { Host } from "../editor/state/session.mjs" */

const NOTES = "keyvid_notes"; // a property of the node: saved with it, and no input that a prompt has

/**
 * The editor's host for a node.
 * @param {GraphNode} node @param {() => Widget | null} widget the one that carries its text @returns {Host}
 */
export function hostOf(node, widget) {
  return {
    write(text) {
      widget()?.callback?.(text);
      keepAsOneStep(node);
    },
    type: (text) => widget()?.callback?.(text),
    notes: () => node.properties?.[NOTES] ?? null,
    keepNotes(value, isStep) {
      const { [NOTES]: _, ...others } = node.properties ?? {};
      node.properties = value === null ? others : { ...others, [NOTES]: value };
      if (isStep) keepAsOneStep(node);
    },
    runUpToHere: () => app.queuePrompt(0, 1, [shownId(node, app.graph)]),
    canRetake: () => renderNodes(node, app.graph).length > 0,
    retake(first, last) {
      const nodes = renderNodes(node, app.graph);
      askForRetake(nodes, first, last);
      keepAsOneStep(node);
      app.queuePrompt(
        0,
        1,
        nodes.flatMap((one) => executionIds(one, app.graph)),
      );
    },
    hasPlan: () => node.inputs?.some((input) => input.name === "plan" && input.link != null) ?? false,
    sheets: () => paintedFor(node),
    pickImage,
    uploadImage,
    urlOf: (file) => api.apiURL(`/view?${new URLSearchParams(file)}`),
    ask: (title, message, defaultValue) =>
      app.extensionManager.dialog.prompt({ title: say(title), message: say(message), defaultValue }),
    save(name, content) {
      const link = document.createElement("a");
      link.download = name;
      link.href = URL.createObjectURL(new Blob([content]));
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // the browser reads it after the click
    },
    leaveWheelToGraph(event) {
      if (node.graph === null || document.querySelector("[data-node-id]")) return; // Nodes 2.0 has it already
      app.canvas.canvas.dispatchEvent(new WheelEvent("wheel", event));
      event.preventDefault();
    },
  };
}

/** @param {GraphNode} node what was just changed is one step of ComfyUI's undo, and in its draft of the workflow */
export function keepAsOneStep(node) {
  node.graph?.setDirtyCanvas?.(true, false);
  app.extensionManager.workflow.activeWorkflow?.changeTracker?.captureCanvasState();
}
