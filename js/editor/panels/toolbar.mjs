// @ts-check
// The buttons above the timeline. Each does what its key does, and says both in its tooltip.

import { element, icon, iconButton } from "../dom.mjs";
import { UNITS } from "../plan/timebase.mjs";
import { say } from "../words.mjs";
import { ICONS } from "./icons.mjs";

/** @import { Playback } from "../audio/playback.mjs" */
/** @import { CommandParts, Commands } from "../input/commands.mjs" */
/** @import { Session } from "../state/session.mjs" */

/** @typedef {Pick<CommandParts, "session" | "playback" | "openMenu"> & { commands: Commands }} ToolbarParts */
/** @typedef {ReturnType<typeof buttonsOf>} Buttons */

const TITLES = {
  half: "Half speed: easier to place, an octave lower (H)",
  click: "A click at each keyframe, to hear whether it sits (C)",
  add: "Add a keyframe at the playhead (A), or double-click the timeline",
  remove: "Delete the selected keyframes; fills keep the count (Del)",
  snap: "Snap to strikes, peaks and beats (S); hold Ctrl or Cmd while dragging to do without",
  zoomIn: "Zoom in (+), or turn the wheel over the timeline once you have clicked it",
  run: "Run this node and what it needs, and nothing after it",
  loop: "Repeat the selected or the visible part (R); drag along the ruler with Shift to draw one.",
  text: "The edit as text, to be typed or copied (T)",
  more: "Import, export, distribute, snap all, shift all, reset (M)",
};
const UNIT_LABELS = { frames: "fr", seconds: "s", timecode: "tc" };

/**
 * The row of buttons; show() is called at each repaint.
 * @param {ToolbarParts} parts @returns {{ root: HTMLElement, show: () => void }}
 */
export function createToolbar({ session, playback, commands, openMenu }) {
  const buttons = buttonsOf(commands, openMenu);
  const { play, loop, half, click, add, remove, snap, unit, zoomOut, fit, zoomIn, run, text, more } = buttons;
  const gap = () => element("span", { class: "keyvid-gap" });
  const tools = [play, loop, half, click, gap(), add, remove, gap(), snap, unit, gap(), zoomOut, fit, zoomIn];
  const about = { class: "keyvid-bar", role: "toolbar", "aria-label": "Timeline tools" };
  const root = element("div", about, ...tools, element("span", { class: "keyvid-rest" }), run, text, more);
  const showPlay = playButton(play, playback);
  return {
    root,
    show() {
      showPlay();
      showState(buttons, session);
    },
  };
}

/** @param {Commands} commands @param {CommandParts["openMenu"]} openMenu */
function buttonsOf(commands, openMenu) {
  /** @param {keyof typeof ICONS} path @param {string} label @param {string} title @param {() => void} onclick */
  const tool = (path, label, title, onclick, isFilled = false) =>
    iconButton({ path: ICONS[path], isFilled, label, title, onclick });
  const half = iconButton({ label: "½×", title: TITLES.half, onclick: () => commands.toggleHalfSpeed() });
  half.setAttribute("aria-label", say("Half speed"));
  const showMenu = () => {
    const { left, bottom } = more.getBoundingClientRect();
    openMenu({ clientX: left, clientY: bottom + 2 });
  };
  const more = tool("menu", "More", TITLES.more, showMenu, true);
  more.setAttribute("aria-haspopup", "menu");
  return {
    play: tool("play", "Play", "", () => commands.togglePlay(), true),
    loop: tool("loop", "Loop", "", () => commands.toggleLoop()),
    half,
    click: tool("click", "Click at keyframes", TITLES.click, () => commands.toggleClick()),
    add: tool("add", "Add keyframe", TITLES.add, () => commands.addHere()),
    remove: tool("remove", "Delete", TITLES.remove, () => commands.remove()),
    snap: tool("snap", "Snap", TITLES.snap, () => commands.toggleSnapping()),
    unit: iconButton({ label: "fr", title: "", onclick: () => commands.nextUnit() }),
    zoomOut: tool("zoomOut", "Zoom out", "Zoom out (−)", () => commands.zoom(1 / 1.5)),
    fit: tool("fit", "Show all", "Show the whole clip (0)", () => commands.fit()),
    zoomIn: tool("zoomIn", "Zoom in", TITLES.zoomIn, () => commands.zoom(1.5)),
    run: tool("run", "Run up to here", TITLES.run, () => commands.run()),
    text: tool("text", "Text", TITLES.text, () => commands.togglePanel("text")),
    more,
  };
}

/**
 * Sets an attribute unless it is so already: it is shown at each repaint.
 * @param {Element} button @param {string} attribute @param {string} value
 */
function set(button, attribute, value) {
  if (button.getAttribute(attribute) !== value) button.setAttribute(attribute, value);
}

/** @param {Element} button @param {boolean} isPressed */
function press(button, isPressed) {
  set(button, "aria-pressed", String(isPressed));
}

/** @param {Element} button @param {string} label @param {string} title */
function name(button, label, title) {
  set(button, "aria-label", say(label));
  set(button, "title", title);
}

/** @param {HTMLButtonElement} play @param {Playback} playback @returns {() => void} shows whether it plays */
function playButton(play, playback) {
  /** @type {boolean | null} */
  let wasPlaying = null;
  return () => {
    const { isPlaying, notice } = playback;
    if (isPlaying !== wasPlaying) play.replaceChildren(icon(ICONS[isPlaying ? "pause" : "play"], { isFilled: true }));
    wasPlaying = isPlaying;
    const does = isPlaying ? "Pause (Space)" : "Play from the playhead (Space)";
    name(play, isPlaying ? "Pause" : "Play", say(notice || does));
  };
}

/** @param {Buttons} buttons @param {Session} session */
function showState(buttons, { state, plan, status, frames }) {
  const { play, loop, half, click, add, remove, snap, unit, zoomOut, fit, zoomIn, text } = buttons;
  const span = state.loop ? ` Frames ${state.loop[0]} to ${state.loop[1]}.` : "";
  name(loop, "Loop", say(TITLES.loop) + say(span));
  const next = UNITS[(UNITS.indexOf(state.unit) + 1) % UNITS.length];
  name(unit, `Ruler in ${state.unit}`, say(`Ruler in ${state.unit}; click for ${next} (U)`));
  unit.textContent = UNIT_LABELS[state.unit];
  press(loop, state.isLooping);
  press(half, state.rate !== 1);
  press(click, state.click);
  press(snap, state.snapping);
  press(text, state.panel === "text");
  for (const button of [play, loop, half, click, zoomOut, fit, zoomIn, unit, snap]) button.disabled = !plan;
  add.disabled = !status.canEdit;
  remove.disabled = !status.canEdit || !frames.some((frame) => frame !== 0);
}
