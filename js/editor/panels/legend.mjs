// @ts-check
// The line that says what the shapes mean, and how many there are of each.

import { KIND_SHAPES } from "../canvas/shapes.mjs";
import { readTheme } from "../canvas/theme.mjs";
import { element, icon } from "../dom.mjs";
import { KINDS } from "../plan/plan.mjs";

/** @import { Timeline } from "../canvas/timeline.mjs" */
/** @import { Plan } from "../plan/plan.mjs" */
/** @import { Session } from "../state/session.mjs" */

/**
 * The legend, in the colours of the timeline.
 * @param {{ session: Session, timeline: Pick<Timeline, "themed"> }} parts
 * @returns {{ root: HTMLElement, show: () => void }}
 */
export function createLegend({ session, timeline }) {
  const entries = [...KINDS, "locked", "prompt", "image"].map((kind) => {
    const shape = icon(KIND_SHAPES[kind], { isFilled: true });
    shape.setAttribute("viewBox", "-8 -8 16 16");
    const count = element("b", {});
    return { kind, shape, count, root: element("span", {}, shape, kind, count) };
  });
  const about = { class: "keyvid-legend", "aria-label": "Kinds of keyframes" };
  const root = element("div", about, ...entries.map((entry) => entry.root));
  /** @type {Plan | null} */
  let shown = null;
  let isThemed = false;

  function show() {
    const plan = session.shownPlan;
    if (!isThemed && root.isConnected) paint();
    if (plan === shown) return;
    shown = plan;
    const found = countsOf(plan);
    for (const { kind, count, root: entry } of entries) {
      count.textContent = String(found.get(kind) ?? "");
      entry.style.opacity = !plan || found.has(kind) ? "" : "0.55";
    }
  }

  /** The shapes in the colours of the timeline. */
  function paint() {
    isThemed = true;
    const { kinds, text } = readTheme(root);
    for (const { kind, shape } of entries) shape.style.color = kinds[kind] ?? text;
  }
  timeline.themed.on(paint);
  return { root, show };
}

/** How many keyframes there are of each kind, "locked", with a "prompt" and with an "image" of its own. @param {Plan | null} plan @returns {Map<string, number>} */
function countsOf(plan) {
  const found = new Map();
  for (const { kind, locked, prompt, image } of plan?.keyframes ?? []) {
    found.set(kind, (found.get(kind) ?? 0) + 1);
    if (locked) found.set("locked", (found.get("locked") ?? 0) + 1);
    if (prompt) found.set("prompt", (found.get("prompt") ?? 0) + 1);
    if (image) found.set("image", (found.get("image") ?? 0) + 1);
  }
  return found;
}
