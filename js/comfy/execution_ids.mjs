// @ts-check
// Where in the prompt a node is: "4:2" is node 2 of the subgraph at node 4. A subgraph that is placed twice has
// each of its nodes in two places; the one that is shown is the one by which it was entered.

import { nodesOf } from "./graph_nodes.mjs";

/** @import { Graph, GraphNode, NodeId } from "../../../scripts/app.js" */

/** @type {Map<string, string>} */
const entered = new Map(); // id of a subgraph -> "id of the graph around it/id of the node" by which it was entered last

/**
 * The artist went into a subgraph by this node of the graph around it.
 * @param {GraphNode | null | undefined} node
 */
export function enter(node) {
  if (node?.subgraph && node.graph) entered.set(node.subgraph.id, keyOf(node));
}

/**
 * The node's place that is shown, or will be; graph: the root graph. A node that is in no graph has its bare id.
 * @param {GraphNode} node @param {Graph} graph @returns {string}
 */
export function shownId(node, graph) {
  const path = [node.id];
  const passed = new Set();
  for (let inside = node.graph; inside && inside !== graph && !passed.has(inside); ) {
    passed.add(inside);
    const last = entered.get(inside.id);
    const places = subgraphNodes(inside, graph);
    if (!places.length) break;
    const place = places.find((one) => keyOf(one) === last) ?? places[0];
    path.unshift(place.id);
    inside = place.graph;
  }
  return path.join(":");
}

/**
 * All places of a node, as ids of the prompt.
 * @param {GraphNode} node @param {Graph} graph @returns {string[]}
 */
export function executionIds(node, graph) {
  if (!node.graph || node.graph === graph) return [String(node.id)];
  return subgraphNodes(node.graph, graph).flatMap((place) =>
    executionIds(place, graph).map((id) => `${id}:${node.id}`),
  );
}

/**
 * The node at a place, or null.
 * @param {NodeId} id @param {Graph | undefined} graph @returns {GraphNode | null}
 */
export function nodeAt(id, graph) {
  let node = null;
  for (const one of String(id).split(":")) {
    node = graph?.nodes?.find((candidate) => String(candidate.id) === one) ?? null;
    graph = node?.subgraph;
  }
  return node;
}

/** @param {Graph} subgraph @param {Graph} graph @returns {GraphNode[]} */
function subgraphNodes(subgraph, graph) {
  return [...nodesOf(graph)].filter((node) => node.subgraph === subgraph);
}

/** @param {GraphNode} node @returns {string} */
function keyOf(node) {
  return `${node.graph?.id}/${node.id}`;
}
