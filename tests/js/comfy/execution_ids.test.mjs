// Which place in the prompt a node has, where a subgraph is placed twice.

import assert from "node:assert/strict";
import { test } from "node:test";

import { enter, executionIds, nodeAt, shownId } from "../../../js/comfy/execution_ids.mjs";

const graphOf = (id) => ({ id, nodes: [] });

function add(graph, id, subgraph = null) {
  const node = { id, graph, subgraph };
  graph.nodes.push(node);
  return node;
}

test("a node of the root graph has its own number", () => {
  const root = graphOf("root");
  const node = add(root, 5);
  assert.deepEqual([shownId(node, root), executionIds(node, root)], ["5", ["5"]]);
  assert.equal(nodeAt("5", root), node);
  assert.equal(nodeAt("6", root), null);
  assert.equal(nodeAt("5:1", root), null);
});

test("of a subgraph placed twice, the place is that by which it was entered", () => {
  const [root, inside] = [graphOf("root"), graphOf("twice")];
  const [first, second] = [add(root, 10, inside), add(root, 11, inside)];
  const node = add(inside, 5);
  assert.deepEqual(executionIds(node, root), ["10:5", "11:5"]);
  assert.equal(shownId(node, root), "10:5");
  enter(second);
  assert.equal(shownId(node, root), "11:5");
  enter(first);
  assert.equal(shownId(node, root), "10:5");
  for (const id of ["10:5", "11:5"]) assert.equal(nodeAt(id, root), node);
  enter(second);
  root.nodes.splice(1, 1); // that place is deleted
  assert.equal(shownId(node, root), "10:5");
});

test("nested subgraphs are followed by the way that was gone", () => {
  const [root, outer, inner] = [graphOf("root"), graphOf("outer"), graphOf("inner")];
  const [, second] = [add(root, 1, outer), add(root, 2, outer)];
  const [, deep] = [add(outer, 7, inner), add(outer, 8, inner)];
  const node = add(inner, 5);
  assert.deepEqual(executionIds(node, root), ["1:7:5", "2:7:5", "1:8:5", "2:8:5"]);
  enter(second);
  enter(deep);
  assert.equal(shownId(node, root), "2:8:5");
});

test("a node that is in no graph has no place", () => {
  const root = graphOf("root");
  const gone = { id: 3, graph: graphOf("gone"), subgraph: null };
  assert.deepEqual(executionIds(gone, root), []);
  assert.equal(shownId({ id: 3, graph: null }, root), "3");
});
