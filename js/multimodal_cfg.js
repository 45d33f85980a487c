// @ts-check
// Multimodal CFG: a line on the node that says how many passes a step takes, and so how long it takes.
//
// The line follows from the node's own inputs; it is not saved in the workflow, and not sent with the prompt.

import { app } from "../../scripts/app.js";
import { chain } from "./comfy/hooks.mjs";
import { remountInSubgraphs, remountSoon } from "./comfy/remount.mjs";
import { passesText } from "./guidance_passes.mjs";

/** @import { GraphNode } from "../../scripts/app.js" */

const NODE_ID = "KeyVID_MultimodalCFG";
const WIDGET_TYPE = "KEYVID_PASSES";
const CSS_CLASS = "keyvid-passes";
const HEIGHT = 24;
const SCALES = {
  image: "image_scale",
  text: "text_scale",
  audio: "audio_scale",
  rescale: "rescale",
  from: "guided_from",
  until: "guided_until",
};

/**
 * Whether a value may come without a wire: Anything Everywhere writes into the prompt what it is allowed to here.
 * @param {GraphNode} node @param {string} name @returns {boolean}
 */
function isWireless(node, name) {
  return Boolean(node.properties?.ue_properties?.widget_ue_connectable?.[name]);
}

/**
 * The value of a widget; NaN where another node brings one, or may, and it is not known.
 * @param {GraphNode} node @param {string} name @returns {number}
 */
function widgetValue(node, name) {
  const isLinked = node.inputs?.some((input) => input.widget?.name === name && input.link != null);
  if (isLinked || isWireless(node, name)) return NaN;
  return Number(node.widgets?.find((widget) => widget.name === name)?.value);
}

/** @param {GraphNode} node */
function addLine(node) {
  const element = document.createElement("div");
  element.className = CSS_CLASS;
  element.setAttribute("role", "status");
  element.style.cssText =
    `min-height:${HEIGHT}px;line-height:${HEIGHT}px;font-size:12px;text-align:center;overflow:hidden;` +
    "white-space:nowrap;text-overflow:ellipsis;color:var(--descrip-text)";
  const show = () => {
    const scales = Object.entries(SCALES).map(([scale, name]) => [scale, widgetValue(node, name)]);
    element.textContent = element.title = passesText(Object.fromEntries(scales));
  };

  const widget = node.addDOMWidget("passes", WIDGET_TYPE, element, {
    serialize: false, // not into the prompt
    hideOnZoom: false,
    getMinHeight: () => HEIGHT,
    getMaxHeight: () => HEIGHT,
  });
  widget.serialize = false; // not into the workflow; last, so that no saved value is shifted

  const scales = node.widgets?.filter((candidate) => Object.values(SCALES).includes(candidate.name)) ?? [];
  for (const scale of scales) chain(scale, "callback", show);
  for (const event of ["onConfigure", "onConnectionsChange"]) chain(node, event, show);
  show();
}

app.registerExtension({
  name: "KeyVID.MultimodalCFG",
  setup: () => remountInSubgraphs(app, WIDGET_TYPE, CSS_CLASS),
  afterConfigureGraph: () => remountSoon(app, WIDGET_TYPE, CSS_CLASS),
  nodeCreated(/** @type {GraphNode} */ node) {
    if (node.comfyClass === NODE_ID) addLine(node);
  },
});
