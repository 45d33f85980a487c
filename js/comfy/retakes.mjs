// @ts-check
// Painting a stretch of a rendered video again: asked for on the timeline, done by Render Video.

import { nodesOf } from "./graph_nodes.mjs";

/** @import { Graph, GraphNode } from "../../../scripts/app.js" */

const RENDER = "KeyVID_RenderVideo";
const ALWAYS = 0; // litegraph's mode of a node that runs; others are muted or bypassed

/**
 * The Render Video nodes that a timeline's retake is for: those that run behind the node, else all that run.
 *
 * One whose frames come over a wire is left out: what would be typed there is not used.
 * @param {GraphNode} node of the timeline @param {Graph} graph the root graph @returns {GraphNode[]}
 */
export function renderNodes(node, graph) {
  const all = [...runningNodes(graph)].filter((one) => one.type === RENDER && !isWired(one, "retake"));
  const behind = nodesBehind(node);
  const wired = all.filter((one) => behind.has(one));
  return wired.length ? wired : all;
}

/** Nodes that run, also inside boxes that do. @param {Graph} graph @returns {Generator<GraphNode>} */
function* runningNodes(graph) {
  const off = new Set();
  for (const node of nodesOf(graph)) {
    const isOff = (node.mode ?? ALWAYS) !== ALWAYS || off.has(node.graph);
    if (!isOff) yield node;
    else if (node.subgraph) off.add(node.subgraph);
  }
}

/** All nodes of its graph that anything of a node flows to. @param {GraphNode} node @returns {Set<GraphNode>} */
function nodesBehind(node) {
  const { graph } = node;
  /** @type {Set<GraphNode>} */
  const behind = new Set();
  const waiting = [node];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    for (const id of (next.outputs ?? []).flatMap((output) => output.links ?? [])) {
      const target = graph?.getNodeById(graph.getLink(id)?.target_id ?? -1);
      if (target && !behind.has(target)) {
        behind.add(target);
        waiting.push(target);
      }
    }
  }
  return behind;
}

/** @param {GraphNode} node @param {string} name */
function isWired(node, name) {
  return node.inputs?.some((input) => input.name === name && input.link != null) ?? false;
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
