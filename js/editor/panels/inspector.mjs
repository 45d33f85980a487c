// @ts-check
// The row below the timeline: the selected keyframes in numbers, to be changed by typing; the count; the legend.

import { element, iconButton } from "../dom.mjs";
import { KINDS, keyframeAt } from "../plan/plan.mjs";
import { label, parseFrame } from "../plan/timebase.mjs";
import { say } from "../words.mjs";
import { ICONS } from "./icons.mjs";

/** @import { Keyframe } from "../plan/plan.mjs" */
/** @import { Commands } from "../input/commands.mjs" */
/** @import { Session, ShowMessage } from "../state/session.mjs" */

/** @typedef {{ session: Session, commands: Commands, showMessage: ShowMessage }} InspectorParts */

const HINT = "Drag a keyframe to move it, double-click to add one.";

const WORDS = "Words for this moment alone. Keyframe Text and Keyframe Prompts put them behind the text for all (P)";

const COUNT =
  "How many there are is set by count in Select Keyframes. One that you add takes the place of a fill; one that you " +
  "delete leaves a fill elsewhere.";

/** @typedef {{ root: HTMLElement, show: () => void, focusFrame: () => void, focusWords: () => void }} Inspector */

/**
 * The row of the selected keyframes; focusFrame() and focusWords() give the keyboard to the box of their frame, of
 * their words.
 * @param {InspectorParts} parts @returns {Inspector}
 */
export function createInspector(parts) {
  const { session } = parts;
  const frame = frameBox(parts);
  const details = keyframeDetails(parts);
  const words = wordsBox(parts);
  const nSelected = element("span", { class: "keyvid-hint" });
  const at = element("label", {}, "at", frame.box);
  const fields = element("span", { class: "keyvid-row" }, at, details.kind, details.lock, nSelected, words.root);
  const hint = element("span", { class: "keyvid-hint" }, HINT);
  const count = element("span", { class: "keyvid-count", title: COUNT });
  const root = element("div", { class: "keyvid-row keyvid-inspector" }, fields, hint, count);

  function show() {
    const { plan, status, shownPlan } = session;
    const keyframes = session.frames.flatMap((one) => (shownPlan && keyframeAt(shownPlan, one)) ?? []);
    fields.hidden = keyframes.length === 0;
    hint.hidden = keyframes.length > 0 || !status.canEdit;
    count.textContent = plan ? say(countText(keyframes.length, plan.count)) : "";
    if (!keyframes.length) return;
    const isFixed = (keyframes.length === 1 && keyframes[0].frame === 0) || !status.canEdit;
    frame.show();
    frame.box.disabled = isFixed;
    details.show(keyframes, isFixed);
    words.show(keyframes);
    nSelected.textContent = keyframes.length > 1 ? say(`and ${keyframes.length - 1} more`) : "";
  }

  function focusFrame() {
    show();
    if (fields.hidden || frame.box.disabled) return;
    frame.box.focus();
    frame.box.select();
  }

  function focusWords() {
    show();
    if (!fields.hidden) words.box.focus();
  }
  return { root, show, focusFrame, focusWords };
}

/** @param {number} nSelected @param {number} count @returns {string} */
function countText(nSelected, count) {
  return nSelected ? `${nSelected} of ${count} keyframes` : `${count} keyframes`;
}

/**
 * The box that a frame is typed into.
 * @param {InspectorParts} parts @returns {{ box: HTMLInputElement, show: () => void }}
 */
function frameBox({ session, commands, showMessage }) {
  const box = element("input", {
    type: "text",
    inputmode: "decimal",
    spellcheck: "false",
    title: "Type where the keyframe goes; Esc takes back what was typed",
    "aria-label": "Frame of the keyframe",
    onkeydown: onKey,
    onblur: () => box.isConnected && commit(),
  });
  /** What is in the box unless someone typed, and of which keyframe. @type {{ text: string, frame: number | null }} */
  let written = { text: "", frame: null };

  /** Of several keyframes the one that typing moves. */
  const typedOf = () => session.frames.find((one) => one !== 0) ?? 0;

  function write() {
    written = { text: label(typedOf(), session.state.unit, session.fps), frame: typedOf() };
    box.value = written.text;
  }

  /** Moves the keyframe to what was typed, also when one leaves the box. @returns {boolean} whether it was a place */
  function commit() {
    const typed = parseFrame(box.value, session.state.unit, session.fps);
    const isTyped = box.value !== written.text && typedOf() === written.frame;
    if (isTyped && typed === null) {
      showMessage(`"${box.value}" is no place in the clip; type one like 31, 1.3 s or 0:01:07.`, true);
      if (document.activeElement === box) return false; // to be corrected
    } else if (isTyped) commands.moveTo(/** @type {number} */ (typed));
    write();
    return true;
  }

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    if (event.key === "Escape") write();
    else if (event.key !== "Enter" || !commit()) return;
    commands.focusTimeline();
  }

  const show = () => {
    if (document.activeElement !== box) write();
  };
  return { box, show };
}

/**
 * The box of the keyframes' own words, which counts letter by letter. It grows over the timeline while one types.
 * @param {InspectorParts} parts
 * @returns {{ root: HTMLElement, box: HTMLTextAreaElement, show: (keyframes: Keyframe[]) => void }}
 */
function wordsBox({ session, commands }) {
  const box = element("textarea", {
    rows: "1",
    title: WORDS,
    "aria-label": "Prompt of the keyframe",
    oninput: () => commands.setWords(box.value),
    onkeydown: (/** @type {KeyboardEvent} */ { key }) => key === "Escape" && commands.focusTimeline(),
    onblur: () => session.state.redraw(), // what was refused goes back
  });
  const root = element("span", { class: "keyvid-words" }, box);
  let shownOf = ""; // whose words are in the box

  /** @param {Keyframe[]} keyframes */
  function show(keyframes) {
    box.disabled = !session.status.canEdit;
    const of = session.frames.join();
    if (document.activeElement === box && of === shownOf) return; // not under the hand that types
    shownOf = of;
    const found = new Set(keyframes.map(({ prompt }) => prompt ?? ""));
    const text = found.size === 1 ? [...found][0] : "";
    if (box.value !== text) box.value = text;
    box.placeholder = say(found.size > 1 ? "Different prompts: typing replaces them" : "Prompt");
  }
  return { root, box, show };
}

/**
 * The kind and the lock.
 * @param {InspectorParts} parts
 * @returns {{ kind: HTMLSelectElement, lock: HTMLButtonElement, show: (keyframes: Keyframe[], isFixed: boolean) => void }}
 */
function keyframeDetails({ session, commands }) {
  const kind = element(
    "select",
    { title: "What kind of moment it is", "aria-label": "Kind of the keyframe", onchange: () => change() },
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

  function change() {
    commands.changeKind(kind.value);
    session.state.redraw(); // what was refused goes back
  }

  /** @param {Keyframe[]} keyframes @param {boolean} isFixed */
  function show(keyframes, isFixed) {
    const kinds = new Set(keyframes.map((keyframe) => keyframe.kind));
    kind.value = kinds.size === 1 ? [...kinds][0] : "";
    kind.disabled = isFixed;
    lock.disabled = !session.status.canEdit;
    lock.setAttribute("aria-pressed", String(keyframes.every((keyframe) => keyframe.locked)));
  }
  return { kind, lock, show };
}
