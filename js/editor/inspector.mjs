// The row below the timeline: the selected keyframes in numbers, to be changed by typing; the count; the legend.

import { element, iconButton } from "./elements.mjs";
import { ICONS } from "./icons.mjs";
import { KINDS, keyframeAt } from "./plan.mjs";
import { label, parseFrame } from "./timebase.mjs";

const HINT = "Drag a keyframe to move it, double-click to add one.";

/** {root, show(), focusFrame()}; commands: those of commands.mjs. */
export function createInspector({ session, commands, say }) {
  const frame = element("input", {
    type: "text",
    inputmode: "decimal",
    spellcheck: "false",
    title: "Type where the keyframe goes, and press Enter",
    "aria-label": "Frame of the keyframe",
    onkeydown: onKey,
    onblur: () => show(),
  });
  const kind = element(
    "select",
    { title: "What kind of moment it is", "aria-label": "Kind of the keyframe", onchange: () => {
      commands.changeKind(kind.value);
      show();
    } },
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
  const count = element("span", { class: "keyvid-count" });
  const root = element("div", { class: "keyvid-row" }, fields, hint, count);

  function onKey(event) {
    if (event.key === "Escape") {
      show(true);
      commands.focusTimeline();
    } else if (event.key === "Enter") {
      const typed = parseFrame(frame.value, session.state.unit, session.fps);
      if (typed === null) {
        return say(`"${frame.value}" is no place in the clip; type one like 31, 1.3 s or 0:01:07.`, true);
      }
      commands.moveTo(typed);
      show(true);
      commands.focusTimeline();
    }
  }

  function show(force = false) {
    const { plan, situation, state } = session;
    const frames = session.frames.filter((one) => (session.ghost ?? plan) && keyframeAt(session.ghost ?? plan, one));
    const keyframes = frames.map((one) => keyframeAt(session.ghost ?? plan, one));
    fields.hidden = keyframes.length === 0;
    hint.hidden = keyframes.length > 0 || !situation.canEdit;
    count.textContent = plan ? `${keyframes.length ? `${keyframes.length} of ` : ""}${plan.count} keyframes` : "";
    if (!keyframes.length) return;
    const kinds = new Set(keyframes.map((keyframe) => keyframe.kind));
    const isFirst = keyframes.length === 1 && frames[0] === 0;
    const first = frames.find((one) => one !== 0) ?? 0; // of several the one that typing moves
    if (force || document.activeElement !== frame) frame.value = label(first, state.unit, session.fps);
    kind.value = kinds.size === 1 ? [...kinds][0] : "";
    frame.disabled = isFirst || !situation.canEdit;
    kind.disabled = isFirst || !situation.canEdit;
    lock.disabled = !situation.canEdit;
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
