// @ts-check
// The list of keys and gestures, as short as it can be; js/docs/KeyVID_EditKeyframes.md says more.

import { element } from "../dom.mjs";

/**
 * [what the hand does, what for]
 * @type {[string, string][]}
 */
export const HELP = [
  ["Drag a keyframe", "move it; Ctrl or Cmd: without snapping; Alt: scale what is selected"],
  ["Double-click", "add a keyframe; on one: type where it goes"],
  ["Drag a box, Shift-click", "select several"],
  ["Drop images", "on a keyframe: its own, and those behind it; elsewhere: a new keyframe"],
  ["Drag the ruler", "move the playhead; with Shift: draw a loop"],
  ["Wheel", "zoom (once the timeline was clicked); with Shift: sideways"],
  ["Fingers", "tap, drag, long press for the menu, two to zoom"],
  ["← →, with Shift", "nudge by 1, by 5"],
  ["Alt + ← →, or < >", "squeeze or stretch what is selected"],
  ["↑ ↓, J K, Page Up, Page Down", "to the keyframe before, after"],
  ["Shift with ↑ ↓ J K", "select it as well"],
  ["Home, End", "to the first, last keyframe"],
  ["Ctrl + A, Esc", "select all, nothing"],
  ["A or Insert", "add at the playhead"],
  ["Delete or Backspace", "delete; fills keep the count"],
  ["Enter", "type where the keyframe goes"],
  ["P", "type its prompt"],
  ["L, 1 2 3 4", "lock, make it a peak, valley, fill or manual"],
  ["E, N", "distribute evenly, snap to strikes"],
  ["Shift + N", "a note at the playhead, such as the words of a song; nothing is rendered of it"],
  ["Drag or double-click a note", "move it, change it"],
  ["Space, R, H, C", "play, loop, half speed, clicks"],
  ["I, O", "the loop begins, ends at the playhead"],
  ["+ or =, −, 0 or F", "zoom in, out, show all"],
  [", . or Shift + Page Up, Page Down", "sideways"],
  ["S, U, T", "snapping, unit of the ruler, text"],
  ["G", "beats: as heard, half, the other half, double"],
  ["M, Menu key, Shift + F10", "menu"],
];

/** HELP as an element that the keyboard can scroll. @returns {HTMLElement} */
export function helpTable() {
  const cells = (/** @type {string} */ keys, /** @type {string} */ meaning) => [
    element("th", { scope: "row" }, keys),
    element("td", {}, meaning),
  ];
  const rows = HELP.map((line) => element("tr", {}, ...cells(...line)));
  return element("div", { class: "keyvid-help", tabindex: "0" }, element("table", {}, ...rows));
}
