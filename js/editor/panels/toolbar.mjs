// The buttons above the timeline. Each does what its key does, and says both in its tooltip.

import { element, icon, iconButton } from "../dom.mjs";
import { ICONS } from "./icons.mjs";
import { UNITS } from "../plan/timebase.mjs";

const TITLES = {
  half: "Half speed: easier to place, an octave lower (H)",
  click: "A click at each keyframe, to hear whether it sits (C)",
  add: "Add a keyframe at the playhead (A), or double-click the timeline",
  remove: "Delete the selected keyframes; fills keep the count (Del)",
  snap: "Snap to onsets, peaks and beats (S); hold Ctrl or Cmd while dragging to do without",
  zoomIn: "Zoom in (+), or turn the wheel over the timeline once you have clicked it",
  run: "Run this node and what it needs, and nothing after it",
  loop: "Repeat the selected or the visible part (R); drag along the ruler with Shift to draw one.",
};
const UNIT_LABELS = { frames: "fr", seconds: "s", timecode: "tc" };

/** {root, show()}; editor: {session, commands, playback, openMenu}. */
export function createToolbar({ session, commands, playback, openMenu }) {
  const tool = (path, label, title, onclick, isFilled = false) =>
    iconButton({ path: ICONS[path], isFilled, label, title, onclick });
  const play = tool("play", "Play", "", () => commands.togglePlay(), true);
  const loop = tool("loop", "Loop", "", () => commands.toggleLoop());
  const half = iconButton({
    label: "½×",
    title: TITLES.half,
    onclick: () => commands.toggleHalfSpeed(),
  });
  half.setAttribute("aria-label", "Half speed");
  const click = tool("click", "Click at keyframes", TITLES.click, () => commands.toggleClick());
  const add = tool("add", "Add keyframe", TITLES.add, () => commands.addHere());
  const remove = tool("remove", "Delete", TITLES.remove, () => commands.remove());
  const snap = tool("snap", "Snap", TITLES.snap, () => commands.toggleSnapping());
  const unit = iconButton({ label: "fr", title: "", onclick: () => commands.nextUnit() });
  const zoomOut = tool("zoomOut", "Zoom out", "Zoom out (−)", () => commands.zoom(1 / 1.5));
  const fit = tool("fit", "Show all", "Show the whole clip (0)", () => commands.fit());
  const zoomIn = tool("zoomIn", "Zoom in", TITLES.zoomIn, () => commands.zoom(1.5));
  const run = tool("run", "Run up to here", TITLES.run, () => commands.run());
  const text = tool("text", "Text", "The edit as text, to be typed or copied (T)", () => commands.togglePanel("text"));
  const more = tool(
    "menu",
    "More",
    "Import, export, distribute, snap all, shift all, reset (M)",
    () => {
      const { left, bottom } = more.getBoundingClientRect();
      openMenu({ clientX: left, clientY: bottom + 2 });
    },
    true,
  );
  more.setAttribute("aria-haspopup", "menu");
  const gap = () => element("span", { class: "keyvid-gap" });
  const tools = [play, loop, half, click, gap(), add, remove, gap(), snap, unit, gap(), zoomOut, fit, zoomIn];
  const root = element(
    "div",
    { class: "keyvid-bar", role: "toolbar", "aria-label": "Timeline tools" },
    ...tools,
    element("span", { class: "keyvid-rest" }),
    run,
    text,
    more,
  );

  const set = (button, attribute, value) => {
    if (button.getAttribute(attribute) !== value) button.setAttribute(attribute, value); // shown at each repaint
  };
  const press = (button, isPressed) => set(button, "aria-pressed", String(Boolean(isPressed)));
  const name = (button, label, title) => {
    set(button, "aria-label", label);
    set(button, "title", title);
  };
  let wasPlaying = null;

  function show() {
    const { state, plan, status, frames } = session;
    const { isPlaying, notice } = playback;
    if (isPlaying !== wasPlaying) play.replaceChildren(icon(ICONS[isPlaying ? "pause" : "play"], { isFilled: true }));
    wasPlaying = isPlaying;
    name(play, isPlaying ? "Pause" : "Play", notice || `${isPlaying ? "Pause" : "Play from the playhead"} (Space)`);
    const span = state.loop ? ` Frames ${state.loop[0]} to ${state.loop[1]}.` : "";
    name(loop, "Loop", TITLES.loop + span);
    const next = UNITS[(UNITS.indexOf(state.unit) + 1) % UNITS.length];
    name(unit, `Ruler in ${state.unit}`, `Ruler in ${state.unit}; click for ${next} (U)`);
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
  return { root, show };
}
