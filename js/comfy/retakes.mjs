// @ts-check
// Painting a stretch of a rendered video again: asked for on the timeline, done by Render Video.

import { nodesOf } from "./graph_nodes.mjs";

/** @import { Graph, GraphNode } from "../../../scripts/app.js" */

const RENDER = "KeyVID_RenderVideo";
const ALWAYS = 0; // litegraph's mode of a node that runs; others are muted or bypassed

/**
 * The Render Video nodes of a workflow that run.
 * @param {Graph} graph the root graph @returns {GraphNode[]}
 */
export function renderNodes(graph) {
  return [...nodesOf(graph)].filter((node) => node.type === RENDER && (node.mode ?? ALWAYS) === ALWAYS);
}

/**
 * Has nodes paint the frames first to last again, with the next seed.
 * @param {GraphNode[]} nodes @param {number} first @param {number} last
 */
export function askForRetake(nodes, first, last) {
  for (const node of nodes) {
    setWidget(node, "retake", `${first}-${last}`);
    setWidget(node, "retake_seed", Number(widgetOf(node, "retake_seed")?.value ?? 0) + 1);
  }
}

/** @param {GraphNode} node @param {string} name */
function widgetOf(node, name) {
  return node.widgets?.find((widget) => widget.name === name);
}

/** @param {GraphNode} node @param {string} name @param {string | number} value */
function setWidget(node, name, value) {
  const widget = widgetOf(node, name);
  if (!widget) return;
  widget.value = value;
  widget.callback?.(value);
}
