// @ts-check
// The menu of the timeline: on right-click, on a long press, on the key M, and behind the button with three dots.

import { element } from "../dom.mjs";
import { keyOf } from "../input/keys.mjs";
import { keyframeAt } from "../plan/plan.mjs";

/** @import { Hit } from "../canvas/geometry.mjs" */
/** @import { PagePoint } from "../canvas/timeline.mjs" */
/** @import { Commands } from "../input/commands.mjs" */
/** @import { Notes } from "../state/notes.mjs" */
/** @import { Session } from "../state/session.mjs" */

/** @typedef {{ label: string, key: string, isOff: boolean, run: () => void }} MenuItem key: on the keyboard */
/** @typedef {{ width: number, height: number }} Size in pixels */

const EDGE_PX = 8; // between the menu and the edge of the page

/**
 * What the menu offers right now, with null for a line.
 * @param {{ session: Session, notes: Pick<Notes, "problem">, commands: Commands }} parts
 * @param {Hit | null} target what it was opened on
 * @returns {(MenuItem | null)[]}
 */
export function menuItems({ session, notes, commands }, target) {
  const { plan, status, frames, measured } = session;
  /** @type {Record<string, (argument?: any) => unknown>} */
  const byName = commands;
  const canEdit = status.canEdit;
  /** @param {string} label @param {string} command @param {{ argument?: any, off?: boolean }} [options] @returns {MenuItem} */
  const item = (label, command, { argument, off = !canEdit } = {}) => {
    return { label, key: keyOf(command, argument), isOff: off, run: () => byName[command](argument) };
  };
  const isNewer = status.problem === "newer";
  const hasOnsets = Boolean(measured?.onsets.length);
  const scope = frames.length > 2 ? "selected" : "all";
  const snapped = frames.length ? "selected" : "all";
  return [
    ...addItems(session, item, target),
    ...noteItems(session, notes, item, target),
    ...retakeItems(session, commands, item, target),
    ...selectionItems(session, item),
    item("Select all", "selectAll", { off: !plan }),
    item(`Distribute ${scope} evenly`, "distribute"),
    item(`Snap ${snapped} to nearest strikes`, "snapToOnsets", { off: !canEdit || !hasOnsets }),
    item("Shift all…", "shiftAll"),
    item(`Beats: ${session.state.beatGrid}`, "nextBeatGrid", { off: !measured?.beats?.length }),
    null,
    item("Import…", "togglePanel", { argument: "import", off: isNewer }),
    item("Export…", "togglePanel", { argument: "export", off: !plan }),
    item("Text", "togglePanel", { argument: "text", off: false }),
    null,
    item("Run up to here", "run", { off: false }),
    item("Reset to prediction", "reset", { off: session.text === "" || isNewer }),
    item("Keys and gestures", "togglePanel", { argument: "help", off: false }),
  ];
}

/** @typedef {(label: string, command: string, options?: { argument?: any, off?: boolean }) => MenuItem} MakeItem */

/** @param {Session} session @param {MakeItem} item @param {Hit | null} target @returns {(MenuItem | null)[]} */
function addItems({ plan }, item, target) {
  if (!plan || !target || target.frame !== null || target.part === "overview") return [];
  const at = Math.round(target.at);
  if (at < 0 || at >= plan.n_frames) return [];
  return [item(`Add a keyframe at ${at}`, "add", { argument: at }), null];
}

/**
 * Of the note that the menu was opened on, or of the place.
 * @param {Session} session @param {Pick<Notes, "problem">} notes @param {MakeItem} item @param {Hit | null} target
 * @returns {(MenuItem | null)[]}
 */
function noteItems({ nFrames }, notes, item, target) {
  if (notes.problem()) return [item("Delete all notes", "clearNotes", { off: false }), null];
  if (!target || target.part === "overview") return [];
  if (target.part === "note") {
    return [
      item("Change the note…", "changeNote", { argument: target.note, off: false }),
      item("Delete the note", "removeNote", { argument: target.note, off: false }),
      null,
    ];
  }
  const at = target.frame ?? Math.round(target.at);
  if (at < 0 || at >= nFrames) return [];
  return [item(`Add a note at ${at}…`, "addNote", { argument: at, off: false }), null];
}

/**
 * Between two keyframes: the frames from one to the other are painted again.
 * @param {Session} session @param {Commands} commands @param {MakeItem} item @param {Hit | null} target
 * @returns {(MenuItem | null)[]}
 */
function retakeItems({ plan }, commands, item, target) {
  if (!plan || !target || target.frame !== null || target.part === "overview" || !commands.canRetake()) return [];
  const ends = [...plan.keyframes.map((keyframe) => keyframe.frame), plan.n_frames];
  const next = ends.findIndex((frame) => frame > target.at);
  if (next < 1) return [];
  const [first, last] = [ends[next - 1] + 1, ends[next] - 1];
  if (first > last) return [];
  return [item(`Render ${first} to ${last} again`, "retake", { argument: { first, last }, off: false }), null];
}

/** @param {Session} session @param {MakeItem} item @returns {(MenuItem | null)[]} */
function selectionItems({ plan, frames, status }, item) {
  const chosen = plan ? frames.map((frame) => keyframeAt(plan, frame)) : [];
  if (!chosen.length) return [];
  const isLocked = chosen.every((keyframe) => keyframe?.locked);
  const off = !status.canEdit || (chosen.length === 1 && chosen[0]?.frame === 0);
  return [
    item(isLocked ? "Unlock" : "Lock", "toggleLock"),
    item(chosen.length > 1 ? `Delete ${chosen.length} keyframes` : "Delete", "remove", { off }),
    item("Type where it goes…", "typeFrame", { off }),
    item("Type its prompt…", "typeWords"),
    item(chosen.length > 1 ? "Choose one image for them…" : "Choose its image…", "chooseImage"),
    ...(chosen.some((keyframe) => keyframe?.image) ? [item("Without an image of its own", "dropImage")] : []),
    ...["peak", "valley", "fill"].map((kind) => item(`Make it a ${kind}`, "changeKind", { argument: kind, off })),
    item("Make it manual", "changeKind", { argument: "manual", off }),
    null,
  ];
}

/**
 * Where a menu opens: at the pointer, but never under it, where a second click would choose something unseen.
 * @param {PagePoint} point @param {Size} menu @param {Size} page @returns {{ left: number, top: number }}
 */
export function placeOf({ clientX, clientY }, menu, page) {
  const top = Math.max(EDGE_PX, Math.min(clientY, page.height - menu.height - EDGE_PX));
  const fitting = Math.max(EDGE_PX, Math.min(clientX, page.width - menu.width - EDGE_PX));
  const covers = top < clientY && fitting <= clientX && clientX <= fitting + menu.width;
  if (!covers) return { left: fitting, top };
  const beside = clientX + EDGE_PX + menu.width <= page.width ? clientX + EDGE_PX : clientX - menu.width - EDGE_PX;
  return { left: Math.max(EDGE_PX, beside), top };
}

/**
 * Opens a menu.
 * @param {(MenuItem | null)[]} items @param {PagePoint} point @param {() => void} onClose it is gone
 * @returns {() => void} closes it
 */
export function openMenu(items, point, onClose) {
  const { root, buttons } = menuElement(items, choose);
  document.body.append(root);
  const { offsetWidth: width, offsetHeight: height } = root;
  const { left, top } = placeOf(point, { width, height }, { width: innerWidth, height: innerHeight });
  root.style.left = `${left}px`;
  root.style.top = `${top}px`;
  const outside = (/** @type {PointerEvent} */ event) => {
    if (!root.contains(/** @type {Node} */ (event.target))) close();
  };
  const onKey = menuKeys(buttons, close);
  window.addEventListener("pointerdown", outside, true);
  window.addEventListener("blur", close);
  window.addEventListener("keydown", onKey, true); // after a long press the menu may not have the keyboard
  buttons[0]?.focus({ preventScroll: true });

  /** @param {MenuItem} item */
  function choose(item) {
    close();
    item.run();
  }

  function close() {
    if (!root.isConnected) return;
    window.removeEventListener("pointerdown", outside, true);
    window.removeEventListener("blur", close);
    window.removeEventListener("keydown", onKey, true);
    root.remove();
    onClose();
  }
  return close;
}

/** @param {(MenuItem | null)[]} items @param {(item: MenuItem) => void} choose */
function menuElement(items, choose) {
  /** @type {HTMLButtonElement[]} */
  const buttons = []; // that can be chosen
  const rows = items.map((item) => {
    if (!item) return element("hr");
    const button = element(
      "button",
      { type: "button", role: "menuitem", tabindex: "-1", disabled: item.isOff, onclick: () => choose(item) },
      element("span", {}, item.label),
      element("kbd", {}, item.key),
    );
    if (!item.isOff) buttons.push(button);
    return button;
  });
  const about = { class: "keyvid-menu", role: "menu", "aria-label": "Keyframes" };
  const stop = (/** @type {Event} */ event) => event.stopPropagation();
  const refuse = (/** @type {Event} */ event) => event.preventDefault();
  const listeners = { onpointerdown: stop, onwheel: stop, oncontextmenu: refuse };
  return { root: element("div", { ...about, ...listeners }, ...rows), buttons };
}

/** @param {HTMLButtonElement[]} buttons @param {() => void} close @returns {(event: KeyboardEvent) => void} */
function menuKeys(buttons, close) {
  return (event) => {
    if (event.ctrlKey || event.metaKey) return;
    event.stopPropagation();
    const i = buttons.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
    /** @type {Record<string, number>} */
    const steps = { ArrowDown: i + 1, ArrowUp: i - 1, Home: 0, End: -1 };
    const to = steps[event.key];
    if (to !== undefined) buttons.at(to % buttons.length)?.focus();
    else if (event.key === "Escape" || event.key === "Tab") close();
    else return;
    event.preventDefault();
  };
}
