// @ts-check
// After undo, and from frontend 1.58 on in a subgraph that has a node of the same number, Nodes 2.0 keeps showing the
// element of another node: put the right one there.

/** @import { App } from "../../../scripts/app.js" */

/**
 * Call after a graph was configured; type: of the widgets, cssClass: of their elements.
 * @param {App} app @param {string} type @param {string} cssClass
 */
export function remountSoon(app, type, cssClass) {
  requestAnimationFrame(() => requestAnimationFrame(() => remount(app, type, cssClass)));
}

/**
 * Call once, in setup: from then on also when a subgraph is entered or left.
 * @param {App} app @param {string} type @param {string} cssClass
 */
export function remountInSubgraphs(app, type, cssClass) {
  app.canvas.canvas.addEventListener("litegraph:set-graph", () => remountSoon(app, type, cssClass));
}

/** @param {App} app @param {string} type @param {string} cssClass */
function remount(app, type, cssClass) {
  // what is on the screen may be the inside of a subgraph
  for (const node of (app.canvas?.graph ?? app.graph)?._nodes ?? []) {
    const widget = node.widgets?.find((candidate) => candidate.type === type);
    if (!widget?.element || widget.element.isConnected) continue;
    const dead = `[data-node-id="${CSS.escape(String(node.id))}"] .${cssClass}`;
    document.querySelector(dead)?.replaceWith(widget.element);
  }
}
