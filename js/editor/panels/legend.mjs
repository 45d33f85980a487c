// The line that says what the shapes mean, and how many there are of each.

import { element, icon } from "../dom.mjs";
import { KIND_SHAPES } from "../canvas/draw.mjs";
import { KINDS } from "../plan/plan.mjs";
import { readTheme } from "../canvas/theme.mjs";

/** {root, show()}. */
export function createLegend({ session, timeline }) {
  const counts = new Map();
  const root = element("div", { class: "keyvid-legend", "aria-label": "Kinds of keyframes" });
  for (const kind of [...KINDS, "locked"]) {
    const shape = icon(KIND_SHAPES[kind], { isFilled: true });
    shape.setAttribute("viewBox", "-8 -8 16 16");
    const count = element("b", {});
    counts.set(kind, { count, shape });
    root.append(element("span", {}, shape, kind, count));
  }
  let shown = null;
  let isThemed = false;

  function show() {
    const plan = session.previewPlan ?? session.plan;
    if (!isThemed && root.isConnected) paint();
    if (plan === shown) return;
    shown = plan;
    const found = new Map();
    for (const { kind, locked } of plan?.keyframes ?? []) {
      found.set(kind, (found.get(kind) ?? 0) + 1);
      if (locked) found.set("locked", (found.get("locked") ?? 0) + 1);
    }
    for (const [kind, { count }] of counts) {
      count.textContent = found.get(kind) ?? "";
      count.parentElement.style.opacity = !plan || found.has(kind) ? "" : "0.55";
    }
  }

  /** The shapes in the colours of the timeline; called again when the palette changes. */
  function paint() {
    isThemed = true;
    const { kinds, text } = readTheme(root);
    for (const [kind, { shape }] of counts) shape.style.color = kinds[kind] ?? text;
  }
  timeline.onTheme = paint;
  return { root, show };
}
