// @ts-check
// The loader nodes: a button that gets a published weight file which is not here yet. It never starts by itself.
//
// What it shows follows from the node's file and the server; it is not saved in the workflow, and not sent with the
// prompt.

import { app } from "../../scripts/app.js";
import { chain } from "./comfy/hooks.mjs";
import { remountInSubgraphs, remountSoon } from "./comfy/remount.mjs";
import { CSS_CLASS, createWeightsPanel } from "./comfy/weights_panel.mjs";
import { ask, known, listen, refresh } from "./comfy/weights_service.mjs";

/** @import { GraphNode } from "../../scripts/app.js" */

const WIDGET_TYPE = "KEYVID_WEIGHTS";
/** node -> [the widget of its file, what it loads as the server calls it] @type {Record<string, [string, string]>} */
const LOADERS = {
  KeyVID_LoadModel: ["model_name", "model"],
  KeyVID_LoadCheckpoint: ["ckpt_name", "checkpoint"],
  KeyVID_LoadAudioEncoder: ["audio_encoder_name", "audio encoder"],
  KeyVID_LoadLocalizer: ["localizer_name", "localizer"],
};

/** @param {GraphNode} node @param {string} widgetName @param {string} list */
function addPanel(node, widgetName, list) {
  const chooser = node.widgets?.find((widget) => widget.name === widgetName);
  const panel = createWeightsPanel({
    known,
    list,
    ask,
    chosen: () => String(chooser?.value ?? ""),
    onHeight() {
      const [width, height] = node.computeSize();
      if (node.size[1] < height) node.setSize([Math.max(width, node.size[0]), height]);
      node.graph?.setDirtyCanvas?.(true, true);
    },
  });
  const widget = node.addDOMWidget("get_file", WIDGET_TYPE, panel.root, {
    serialize: false, // not into the prompt
    hideOnZoom: false,
    getMinHeight: panel.height,
    getMaxHeight: panel.height,
  });
  widget.serialize = false; // not into the workflow; last, so that no saved value is shifted

  const forget = listen(panel.show);
  chain(node, "onRemoved", forget);
  chain(node, "onConfigure", panel.show);
  if (chooser) chain(chooser, "callback", panel.show);
  panel.show();
}

/** A file that has just come is in the lists at once. */
function refreshListsWhenOneComes() {
  let here = new Set();
  listen(() => {
    const files = Object.values(known()?.files ?? {}).filter((file) => file.is_here);
    const found = new Set(files.map((file) => file.target));
    const isNew = here.size > 0 || files.some((file) => file.said?.kind === "done");
    if (isNew && [...found].some((target) => !here.has(target))) app.refreshComboInNodes();
    here = found;
  });
}

app.registerExtension({
  name: "KeyVID.GetWeights",
  async setup() {
    refreshListsWhenOneComes();
    remountInSubgraphs(app, WIDGET_TYPE, CSS_CLASS);
    await refresh();
  },
  refreshComboInNodes: () => refresh(),
  afterConfigureGraph: () => remountSoon(app, WIDGET_TYPE, CSS_CLASS),
  nodeCreated(/** @type {GraphNode} */ node) {
    const loader = LOADERS[node.comfyClass ?? ""];
    if (loader) addPanel(node, ...loader);
  },
});
