// @ts-check
// Motion From Video shows an image of its curve, in Nodes 2.0 too.
//
// Nodes 2.0 takes what a node with a VIDEO input shows for a video, unless the node says what it is, and then reports
// that the video failed to load.

import { app } from "../../scripts/app.js";

/** @import { GraphNode } from "../../scripts/app.js" */

const SHOWS_IMAGES = "KeyVID_MotionFromVideo";

app.registerExtension({
  name: "KeyVID.ImagePreview",
  nodeCreated(/** @type {GraphNode} */ node) {
    if (node.comfyClass === SHOWS_IMAGES) node.previewMediaType = "image";
  },
});
