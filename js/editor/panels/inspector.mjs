// The row below the timeline: the selected keyframes in numbers, to be changed by typing; the count; the legend.

import { element, iconButton } from "../dom.mjs";
import { ICONS } from "./icons.mjs";
import { KINDS, keyframeAt } from "../plan/plan.mjs";
import { label, parseFrame } from "../plan/timebase.mjs";

const HINT = "Drag a keyframe to move it, double-click to add one.";

const COUNT =
  "How many there are is set by count in Select Keyframes. One that you add takes the place of a fill; one that you " +
  "delete leaves a fill elsewhere.";

/** {root, show(), focusFrame()}; commands: those of commands.mjs. */
export function createInspector({ session, commands, say }) {
  const frame = element("input", {
    type: "text",
    inputmode: "decimal",
    spellcheck: "false",
    title: "Type where the keyframe goes; Esc takes back what was typed",
    "aria-label": "Frame of the keyframe",
    onkeydown: onKey,
    onblur: () => frame.isConnected && commit(),
  });
  const kind = element(
    "select",
    {
      title: "What kind of moment it is",
      "aria-label": "Kind of the keyframe",
      onchange: () => {
        commands.changeKind(kind.value);
        show();
      },
    },
    ...KINDS.filter((name) => name !== "first").map((name) => element("option", { value: name }, name)),
    element("option", { value: "first", hidden: true }, "first"),
    element("option", { value: "", hidden: true }, "several"),
  );
  const lock = iconButton({
    path: ICONS.lock,
    label: "Lock",
    title: "Locked keyframes are neither moved nor deleted, nor replaced by a new prediction (L)",
    onclick: () => commands.toggleLock(),
  });
  const nSelected = element("span", { class: "keyvid-hint" });
  const fields = element("span", { class: "keyvid-row" }, element("label", {}, "at", frame), kind, lock, nSelected);
  const hint = element("span", { class: "keyvid-hint" }, HINT);
  const count = element("span", { class: "keyvid-count", title: COUNT });
  const root = element("div", { class: "keyvid-row" }, fields, hint, count);

  let written = { text: "", frame: null }; // what stands in the box unless someone typed, and of which keyframe

  function onKey(event) {
    if (event.key === "Escape") show(true);
    else if (event.key !== "Enter" || !commit()) return;
    commands.focusTimeline();
  }

  /** Moves the keyframe to what was typed, also when one goes on to something else. @returns whether it was a place */
  function commit() {
    const typed = parseFrame(frame.value, session.state.unit, session.fps);
    const isTyped = frame.value !== written.text && typedOf() === written.frame;
    if (isTyped && typed === null) {
      say(`"${frame.value}" is no place in the clip; type one like 31, 1.3 s or 0:01:07.`, true);
    } else if (isTyped) commands.moveTo(typed);
    const isKept = isTyped && typed === null && document.activeElement === frame; // to be mended
    if (!isKept) show(true);
    return !isKept;
  }

  /** Of several keyframes the one that typing moves. */
  const typedOf = () => session.frames.find((one) => one !== 0) ?? 0;

  function show(force = false) {
    const { plan, status, state } = session;
    const frames = session.frames.filter(
      (one) => (session.previewPlan ?? plan) && keyframeAt(session.previewPlan ?? plan, one),
    );
    const keyframes = frames.map((one) => keyframeAt(session.previewPlan ?? plan, one));
    fields.hidden = keyframes.length === 0;
    hint.hidden = keyframes.length > 0 || !status.canEdit;
    count.textContent = plan ? `${keyframes.length ? `${keyframes.length} of ` : ""}${plan.count} keyframes` : "";
    if (!keyframes.length) return;
    const kinds = new Set(keyframes.map((keyframe) => keyframe.kind));
    const isFirst = keyframes.length === 1 && frames[0] === 0;
    if (force || document.activeElement !== frame) {
      written = { text: label(typedOf(), state.unit, session.fps), frame: typedOf() };
      frame.value = written.text;
    }
    kind.value = kinds.size === 1 ? [...kinds][0] : "";
    frame.disabled = isFirst || !status.canEdit;
    kind.disabled = isFirst || !status.canEdit;
    lock.disabled = !status.canEdit;
    lock.setAttribute("aria-pressed", String(keyframes.every((keyframe) => keyframe.locked)));
    nSelected.textContent = keyframes.length > 1 ? `and ${keyframes.length - 1} more` : "";
  }

  const focusFrame = () => {
    show();
    if (fields.hidden || frame.disabled) return;
    frame.focus();
    frame.select();
  };
  return { root, show, focusFrame };
}
