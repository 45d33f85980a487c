// @ts-check
// Which Keyframe Sheets a plan is wired to.

import { nodesOf } from "./graph_nodes.mjs";

/** @import { Graph, GraphNode, Link } from "../../../scripts/app.js" */

const SHEET = "KeyVID_KeyframeSheet";
const REROUTE = "Reroute"; // the reroute that is a node; the other kind is part of a link
const SUBGRAPH_OUTPUT = -20; // litegraph's number for the far side of a subgraph

/**
 * The Keyframe Sheets that are given the plan of an Edit Keyframes node, through reroutes, into and out of subgraphs.
 *
 * graph: the root graph, where the search for the subgraphs around the node begins.
 * @param {GraphNode} node @param {Graph} graph @returns {GraphNode[]} nearest first
 */
export function sheetsDownstream(node, graph) {
  /** @type {GraphNode[]} */
  const sheets = [];
  const followed = new Set();
  /** @type {[Graph, Link | null][]} */
  const waiting = [];
  const leave = (/** @type {GraphNode} */ from, /** @type {number} */ slot) => {
    const { graph: around, outputs } = from;
    for (const id of outputs?.[slot]?.links ?? []) if (around) waiting.push([around, around.getLink(id)]);
  };
  leave(node, 0);
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    const [inside, link] = next;
    if (!link || followed.has(link)) continue;
    followed.add(link);
    if (Number(link.target_id) === SUBGRAPH_OUTPUT) {
      for (const around of nodesOf(graph)) if (around.subgraph === inside) leave(around, link.target_slot);
      continue;
    }
    const target = inside.getNodeById(link.target_id);
    if (!target) continue;
    const { subgraph } = target;
    if (target.type === REROUTE) leave(target, 0);
    else if (target.type === SHEET) {
      if (target.inputs?.[link.target_slot]?.name === "plan" && !sheets.includes(target)) sheets.push(target);
    } else if (subgraph) {
      for (const id of subgraph.inputs[link.target_slot]?.linkIds ?? []) waiting.push([subgraph, subgraph.getLink(id)]);
    }
  }
  return sheets;
}
