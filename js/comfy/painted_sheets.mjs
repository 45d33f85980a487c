// @ts-check
// What the Keyframe Sheets of the open workflows have painted.

import { app } from "../../../scripts/app.js";
import { executionIds } from "./execution_ids.mjs";
import { sheetsDownstream } from "./sheets.mjs";

/** @import { GraphNode } from "../../../scripts/app.js" */
/** @import { SheetPayload } from "../editor/state/painted_keyframes.mjs" */

const MOST_SHEETS = 64; // remembered; the one that ran longest ago is forgotten

/** By "workflow/execution id" of a Keyframe Sheet, the latest run last. @type {Map<string, SheetPayload>} */
const painted = new Map();

/**
 * Remembers what a sheet of the open workflow has painted.
 * @param {string} id its place in the prompt @param {SheetPayload} payload
 */
export function rememberSheet(id, payload) {
  const key = `${app.graph.id}/${id}`;
  painted.delete(key);
  painted.set(key, payload);
  const oldest = painted.keys().next().value;
  if (painted.size > MOST_SHEETS && oldest !== undefined) painted.delete(oldest);
}

/**
 * What the sheets of this workflow have painted: those that are wired to the node first, then the latest.
 * @param {GraphNode} node @returns {SheetPayload[]}
 */
export function paintedFor(node) {
  const wired = new Set(sheetsDownstream(node, app.graph).flatMap((sheet) => executionIds(sheet, app.graph)));
  const workflow = `${app.graph.id}/`;
  const ran = [...painted].filter(([key]) => key.startsWith(workflow)).reverse();
  const isWired = (/** @type {string} */ key) => wired.has(key.slice(workflow.length));
  return [...ran.filter(([key]) => isWired(key)), ...ran.filter(([key]) => !isWired(key))].map(
    ([, payload]) => payload,
  );
}
