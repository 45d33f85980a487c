// Shows the pack's own error sentences where the artist looks: in a toast, as soon as they happen.
//
// ComfyUI 0.30 says only that a node "threw an error"; the sentence that says what to do is two clicks away.

import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";

const OWN_ERRORS = "KeyVID."; // what keyframes/errors.py calls itself

app.registerExtension({
  name: "KeyVID.Errors",
  setup() {
    api.addEventListener("execution_error", ({ detail }) => {
      if (!detail?.exception_type?.startsWith(OWN_ERRORS)) return;
      const node = app.graph?.getNodeById?.(detail.node_id);
      app.extensionManager.toast.add({
        severity: "error",
        summary: node?.title ?? "KeyVID",
        detail: detail.exception_message.trim(),
        life: 20000,
      });
    });
  },
});
