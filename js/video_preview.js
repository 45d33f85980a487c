// @ts-check
// Keeps video nodes cached when nothing changed.
//
// When a node has shown a video, the classic renderer sends the preview's (always empty) widget along as an
// input of the next prompt. To the server that is another prompt: the node, and Save Video after it, would run
// again. The preview is marked as not part of the prompt before each prompt is made.

import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";
import { nodesOf } from "./comfy/graph_nodes.mjs";

const PREVIEW_WIDGET = "video-preview";

app.registerExtension({
  name: "KeyVID.VideoPreview",
  setup() {
    api.addEventListener("promptQueueing", () => {
      const nodes = [...nodesOf(app.graph)];
      if (!nodes.some((node) => node.type?.startsWith("KeyVID_"))) return; // other people's graphs stay as they are
      for (const node of nodes) {
        const preview = node.widgets?.find((widget) => widget.name === PREVIEW_WIDGET);
        if (preview && !preview.value) preview.options = { ...preview.options, serialize: false };
      }
    });
  },
});
