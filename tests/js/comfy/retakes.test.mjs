// Which nodes paint a stretch again, and what they are told.

import assert from "node:assert/strict";
import test from "node:test";

import { askForRetake, renderNodes } from "../../../js/comfy/retakes.mjs";

function render(more = {}) {
  const told = [];
  const widget = (name, value) => ({ name, value, callback: (now) => told.push([name, now]) });
  return { type: "KeyVID_RenderVideo", mode: 0, widgets: [widget("retake", ""), widget("retake_seed", 4)], told, ...more };
}

/** A graph of nodes and wires between them, by their place in the list. */
function graphOf(nodes, wires = []) {
  const graph = {
    nodes,
    getNodeById: (id) => nodes[id],
    getLink: (id) => ({ target_id: wires[id][1] }),
  };
  for (const [i, node] of nodes.entries()) {
    node.graph = graph;
    node.outputs = [{ links: wires.flatMap(([from], id) => (from === i ? [id] : [])) }];
    if (node.subgraph) for (const inner of node.subgraph.nodes) inner.graph = node.subgraph;
  }
  return graph;
}

test("nodes that run are found, inside boxes too; muted and bypassed ones and what is in them are not", () => {
  const [outer, inner, muted, hidden] = [render(), render(), render({ mode: 2 }), render()];
  const box = { type: "box", mode: 0, subgraph: { nodes: [inner] } };
  const closed = { type: "box", mode: 4, subgraph: { nodes: [hidden] } };
  const timeline = { type: "KeyVID_EditKeyframes" };
  const graph = graphOf([timeline, outer, box, muted, closed]);
  assert.deepEqual(renderNodes(timeline, graph), [outer, inner]);
});

test("of two songs in one workflow only the timeline's own is told, and none whose frames are wired", () => {
  const [one, other] = [render(), render({ inputs: [{ name: "retake", link: null }] })];
  const [first, second] = [{ type: "KeyVID_EditKeyframes" }, { type: "KeyVID_EditKeyframes" }];
  const between = { type: "KeyVID_InterpolationConditioning" };
  const graph = graphOf([first, second, between, one, other], [[0, 2], [2, 3], [1, 4]]);
  assert.deepEqual(renderNodes(first, graph), [one]);
  assert.deepEqual(renderNodes(second, graph), [other]);
  other.inputs[0].link = 9;
  assert.deepEqual(renderNodes(second, graph), [one], "the one that is left");
});

test("a retake sets the frames and the next seed, and the widgets hear of it", () => {
  const node = render();
  askForRetake([node], 49, 59);
  askForRetake([node], 7, 7);
  assert.deepEqual(
    node.widgets.map((widget) => widget.value),
    ["7-7", 6],
  );
  assert.deepEqual(node.told, [["retake", "49-59"], ["retake_seed", 5], ["retake", "7-7"], ["retake_seed", 6]]);
});

test("a node without these widgets is left alone", () => {
  assert.doesNotThrow(() => askForRetake([{ type: "KeyVID_RenderVideo" }], 1, 2));
});
