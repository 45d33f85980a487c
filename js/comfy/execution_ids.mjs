// Where in the prompt a node stands: "4:2" is node 2 of the subgraph at node 4. A subgraph that is placed twice has
// each of its nodes in two places; the one that is shown is the one by which it was entered.

import { nodesOf } from "./graph_nodes.mjs";

const entered = new Map(); // id of a subgraph -> "id of the graph around it/id of the node" by which it was entered last

/** The artist went into a subgraph by this node of the graph around it. */
export function enter(node) {
  if (node?.subgraph && node.graph) entered.set(node.subgraph.id, doorOf(node));
}

/** The node's place that is shown, or will be; graph: the root graph. A node that is in no graph has its bare id. */
export function shownId(node, graph) {
  const path = [node.id];
  const passed = new Set();
  for (let inside = node.graph; inside && inside !== graph && !passed.has(inside); ) {
    passed.add(inside);
    const doors = doorsTo(inside, graph);
    if (!doors.length) break;
    const door = doors.find((one) => doorOf(one) === entered.get(inside.id)) ?? doors[0];
    path.unshift(door.id);
    inside = door.graph;
  }
  return path.join(":");
}

/** All places of a node, as ids of the prompt. */
export function executionIds(node, graph) {
  if (!node.graph || node.graph === graph) return [String(node.id)];
  return doorsTo(node.graph, graph).flatMap((door) => executionIds(door, graph).map((id) => `${id}:${node.id}`));
}

/** The node at a place, or null. */
export function nodeAt(id, graph) {
  let node = null;
  for (const one of String(id).split(":")) {
    node = graph?.nodes?.find((candidate) => String(candidate.id) === one) ?? null;
    graph = node?.subgraph;
  }
  return node;
}

function doorsTo(subgraph, graph) {
  return [...nodesOf(graph)].filter((node) => node.subgraph === subgraph);
}

function doorOf(node) {
  return `${node.graph.id}/${node.id}`;
}
