// @ts-check
// Walking ComfyUI's graph (LiteGraph): its nodes, those inside subgraphs too.

/** @import { Graph, GraphNode } from "../../../scripts/app.js" */

/**
 * All nodes of a graph and of the subgraphs in it, each once although a subgraph may be used twice.
 * @param {Graph | null | undefined} graph @param {Set<Graph>} [seen] @returns {Generator<GraphNode>}
 */
export function* nodesOf(graph, seen = new Set()) {
  if (!graph || seen.has(graph)) return;
  seen.add(graph);
  for (const node of graph.nodes ?? graph._nodes ?? []) {
    yield node;
    yield* nodesOf(node.subgraph, seen);
  }
}
