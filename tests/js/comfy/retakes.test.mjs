// Which nodes paint a stretch again, and what they are told.

import assert from "node:assert/strict";
import test from "node:test";

import { askForRetake, renderNodes } from "../../../js/comfy/retakes.mjs";

function render(more = {}) {
  const told = [];
  const widget = (name, value) => ({ name, value, callback: (now) => told.push([name, now]) });
  return { type: "KeyVID_RenderVideo", mode: 0, widgets: [widget("retake", ""), widget("retake_seed", 4)], told, ...more };
}

test("nodes that run are found, inside subgraphs too; muted and bypassed ones are not", () => {
  const [outer, inner, muted, bypassed] = [render(), render(), render({ mode: 2 }), render({ mode: 4 })];
  const subgraph = { nodes: [inner] };
  const graph = { nodes: [{ type: "KeyVID_Sampler" }, outer, { type: "box", subgraph }, muted, bypassed] };
  assert.deepEqual(renderNodes(graph), [outer, inner]);
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
