// @ts-check
// Shows the pack's own error messages where the artist looks: in a toast, as soon as they happen. And says where the
// timeline editor did not come.
//
// ComfyUI 0.30 says only that a node "threw an error", or that it "rejected one or more input values"; the message
// that says what to do is two clicks away.

import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";

// where the editor's files do not come, English does
const { say } = await import("./comfy/language.mjs").catch(() => ({ say: (/** @type {string} */ text) => text }));

const OWN_ERRORS = "KeyVID."; // what errors.py calls itself
const OWN_NODES = "KeyVID_";
const REFUSED = "custom_validation_failed"; // the type that ComfyUI gives a refusal by a node's validate_inputs
const TIMELINE = "KeyVID.EditKeyframes"; // the extension of edit_keyframes.js
const NO_TIMELINE =
  "The timeline editor could not be loaded, so Edit Keyframes shows its edit as a text box. Nothing of it is lost. " +
  "Reload the page; if that does not help, turn off content blockers for this page, or install ComfyUI-KeyVID anew.";
const RESPONSE_STEP_MS = 200;
const RESPONSE_TIMEOUT_MS = 30000;

/** @param {string | number} nodeId @param {string} message */
function showError(nodeId, message) {
  const node = app.graph?.getNodeById?.(nodeId);
  app.extensionManager.toast.add({
    severity: "error",
    summary: node?.title ?? "KeyVID",
    detail: say(message.trim()),
    life: 20000,
  });
}

/**
 * What our nodes refused before anything ran, out of the errors in the server's response, by node.
 * @param {Record<string, { class_type?: string, errors: any[] }>} errorsByNode
 */
function showRefusals(errorsByNode) {
  for (const [nodeId, { class_type: type, errors }] of Object.entries(errorsByNode)) {
    if (!type?.startsWith(OWN_NODES)) continue;
    for (const error of errors.filter((one) => one.type === REFUSED)) {
      showError(nodeId, error.details.replace(`${error.extra_info?.input_name} - `, ""));
    }
  }
}

/**
 * ComfyUI sends no event when the server refuses a whole graph: it clears its list of errors, and fills it anew.
 * @param {() => boolean} isQueued
 */
async function awaitResponse(isQueued) {
  for (let waited = 0; waited < RESPONSE_TIMEOUT_MS; waited += RESPONSE_STEP_MS) {
    await new Promise((resolve) => setTimeout(resolve, RESPONSE_STEP_MS));
    const errors = app.extensionManager.lastNodeErrors;
    if (errors) showRefusals(errors);
    if (errors || isQueued()) return;
  }
}

app.registerExtension({
  name: "KeyVID.Errors",
  setup() {
    // every file of the pack was asked for by now
    if (!app.extensions.some((one) => one.name === TIMELINE)) {
      app.extensionManager.toast.add({ severity: "warn", summary: "KeyVID", detail: say(NO_TIMELINE), life: 20000 });
    }
    let nQueued = 0;
    api.addEventListener("promptQueued", () => nQueued++);
    api.addEventListener("promptQueueing", () => {
      const before = nQueued;
      awaitResponse(() => nQueued > before);
    });
    api.addEventListener("execution_error", ({ detail }) => {
      if (detail?.exception_type?.startsWith(OWN_ERRORS)) showError(detail.node_id, detail.exception_message);
    });
  },
});
