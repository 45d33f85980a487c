// The painted keyframes above their markers: whose they are, and where the editor finds them.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { sheetsDownstream } from "../../../js/comfy/sheets.mjs";
import { inputFile, ownImages } from "../../../js/editor/state/own_images.mjs";
import { imagesFor, imageLoader, planChecksum, sheetOf } from "../../../js/editor/state/painted_keyframes.mjs";

const rows = JSON.parse(readFileSync(new URL("../../plan_checksums.json", import.meta.url), "utf8"));
const [{ plan, checksum }] = rows;
const names = plan.keyframes.map(({ frame }) => ({ filename: `${frame}.jpg`, subfolder: "", type: "temp" }));
const payload = { plan: checksum, frames: [0, 12, 24], n_frames: 48, fps: 24, pictures: names };
const tools = { urlOf: ({ filename, type }) => `${type}/${filename}`, load: (url) => ({ url }) };

test("the checksum is that of the table", () => {
  assert.ok(rows.length >= 5);
  for (const row of rows) assert.equal(planChecksum(row.plan), row.checksum);
});

test("each keyframe has the image that was painted for it", () => {
  const found = imagesFor(payload, { plan, ...tools });
  assert.deepEqual([...found.keys()], [0, 12, 24]);
  assert.deepEqual([...found.values()], [{ url: "temp/0.jpg" }, { url: "temp/12.jpg" }, { url: "temp/24.jpg" }]);
});

test("a lock or a kind takes no image away, another place or sound takes all", () => {
  for (const row of rows) {
    const found = imagesFor(payload, { plan: row.plan, ...tools });
    assert.equal(found.size, row.checksum === checksum ? 3 : 0, JSON.stringify(row.plan));
  }
  assert.equal(imagesFor(null, { plan, ...tools }).size, 0);
  assert.equal(imagesFor(payload, { plan: null, ...tools }).size, 0);
});

test("an image of the artist's own is asked for in the input folder, whatever was painted", () => {
  assert.deepEqual(inputFile("12.png"), { filename: "12.png", subfolder: "", type: "input" });
  assert.deepEqual(inputFile("a/b/12.png"), { filename: "12.png", subfolder: "a/b", type: "input" });
  assert.deepEqual(inputFile("a\\12.png"), { filename: "12.png", subfolder: "a", type: "input" });
  const keyframes = plan.keyframes.map((one) => (one.frame === 12 ? { ...one, image: "own.png" } : one));
  assert.deepEqual([...ownImages({ plan: { ...plan, keyframes }, ...tools })], [[12, { url: "input/own.png" }]]);
  assert.equal(ownImages({ plan: null, ...tools }).size, 0);
});

test("an image is asked for once, and says when it came", () => {
  let came = 0;
  const made = [];
  const load = imageLoader(() => came++, () => made[made.push({}) - 1]);
  assert.equal(load("a"), load("a"));
  assert.notEqual(load("a"), load("b"));
  assert.deepEqual(made.map(({ src }) => src), ["a", "b"]);
  made[1].onload();
  assert.equal(came, 1);
  const removed = [];
  made[0].removeAttribute = (name) => removed.push(name);
  made[0].onerror(); // the temp folder was tidied: a broken image must not reach the canvas
  assert.deepEqual([removed, came], [["src"], 2], "what did not come is drawn too, as missing");
  assert.equal(load("a"), made[0], "not asked for again with every look");
  load.forget(); // a run has written images, perhaps this one too: its name tells its content
  assert.equal(load("a"), made[2]);
  assert.equal(load("b"), made[1]);
});

// --- graphs, with litegraph's public fields

function graphOf() {
  const links = new Map();
  const nodes = [];
  return { links, nodes, getLink: (id) => links.get(id), getNodeById: (id) => nodes.find((node) => node.id === id) };
}

function add(graph, id, type, more = {}) {
  const node = { id, type, graph, inputs: [{ name: "images" }, { name: "plan" }], outputs: [{ links: [] }], ...more };
  graph.nodes.push(node);
  return node;
}

let lastLink = 0;

function connect(from, to, slot = 1) {
  from.graph.links.set(++lastLink, { id: lastLink, target_id: to.id, target_slot: slot });
  from.outputs[0].links.push(lastLink);
}

/** A subgraph with one input; connectInput(node, slot) wires it, its output is node number -20. */
function subgraphOf() {
  const subgraph = { ...graphOf(), inputs: [{ linkIds: [] }] };
  const connectInput = (node, slot) => {
    subgraph.links.set(++lastLink, { id: lastLink, target_id: node.id, target_slot: slot });
    subgraph.inputs[0].linkIds.push(lastLink);
  };
  return { subgraph, connectInput };
}

const sheet = (graph, id) => add(graph, id, "KeyVID_KeyframeSheet");
const ids = (nodes) => nodes.map(({ id }) => id);

test("sheets are found through their plan alone, directly and behind reroutes", () => {
  const root = graphOf();
  const edit = add(root, 1, "KeyVID_EditKeyframes");
  const reroute = add(root, 2, "Reroute");
  const other = add(root, 3, "KeyVID_KeyframeConditioning");
  connect(edit, sheet(root, 4));
  connect(edit, reroute, 0);
  connect(reroute, sheet(root, 5));
  connect(edit, other);
  connect(other, sheet(root, 6)); // not the plan of this editor any more
  connect(edit, sheet(root, 7), 0); // on its images input
  connect(edit, root.nodes.find(({ id }) => id === 4)); // twice
  edit.outputs[0].links.push(999); // of a link that is gone
  assert.deepEqual(ids(sheetsDownstream(edit, root)), [4, 5]);
});

test("an editor whose output is not connected has none, and reroutes in a ring end", () => {
  const root = graphOf();
  const edit = add(root, 1, "KeyVID_EditKeyframes", { outputs: [{ links: null }] });
  assert.deepEqual(sheetsDownstream(edit, root), []);
  edit.outputs = [{ links: [] }];
  const [a, b] = [add(root, 2, "Reroute"), add(root, 3, "Reroute")];
  connect(edit, a, 0);
  connect(a, b, 0);
  connect(b, a, 0);
  assert.deepEqual(sheetsDownstream(edit, root), []);
});

test("the search goes into subgraphs", () => {
  const root = graphOf();
  const edit = add(root, 1, "KeyVID_EditKeyframes");
  const { subgraph, connectInput } = subgraphOf();
  connectInput(sheet(subgraph, 10), 1);
  connect(edit, add(root, 2, "of-the-subgraph", { subgraph }), 0);
  assert.deepEqual(ids(sheetsDownstream(edit, root)), [10]);
});

test("the search goes out of subgraphs, out of nested ones too, and of every use of one", () => {
  const root = graphOf();
  const [outer, inner] = [subgraphOf().subgraph, subgraphOf().subgraph];
  const edit = add(inner, 1, "KeyVID_EditKeyframes");
  connect(edit, { id: -20 }, 0);
  const holder = add(outer, 2, "inner", { subgraph: inner });
  connect(holder, { id: "-20" }, 0);
  for (const id of [3, 4]) {
    const use = add(root, id, "outer", { subgraph: outer });
    connect(use, sheet(root, id + 10));
  }
  assert.deepEqual(ids(sheetsDownstream(edit, root)), [13, 14]);
});

test("the first sheet that was painted with the plan is shown, wherever it hangs", () => {
  const other = { ...payload, plan: "00000000" };
  const later = { ...payload, pictures: [] };
  assert.equal(sheetOf([other, payload, later], plan), payload);
  assert.equal(sheetOf([later, payload], plan), later);
  assert.equal(sheetOf([other], plan), null);
  assert.equal(sheetOf([payload], null), null);
  assert.equal(sheetOf([], plan), null);
});
