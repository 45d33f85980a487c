// @ts-check
// The keyboard on the timeline. A held key is one gesture, which ends when it is let go.

import { commandOf } from "./keys.mjs";

/** @import { Timeline } from "../canvas/timeline.mjs" */
/** @import { Scope } from "../dom.mjs" */
/** @import { Session } from "../state/session.mjs" */
/** @import { Commands } from "./commands.mjs" */
/** @import { Pointer } from "./pointer.mjs" */

const DURING_DRAG = ["escape", "toggleSnapping"]; // during a drag only its own keys count
const MODIFIERS = ["Shift", "Alt", "Control", "Meta"];

/**
 * Listens to the keyboard on a timeline while the scope is attached.
 * @param {{ session: Session, timeline: Timeline, commands: Commands, pointer: Pointer, scope: Scope }} parts
 */
export function attachKeyboard({ session, timeline, commands, pointer, scope }) {
  /** @type {Record<string, (argument?: any) => unknown>} */
  const byName = commands;
  const { canvas } = timeline;

  const onKey = (/** @type {KeyboardEvent} */ event) => {
    const found = commandOf(event);
    if (!found) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.repeat && !found.repeats) return; // a key that stays down would turn it on and off, or add and add
    const isDragging = pointer.isBusy;
    if (isDragging && !DURING_DRAG.includes(found.command)) return;
    if (!found.isHeld && !isDragging && found.command !== "escape") session.settle();
    if (found.command === "escape" && pointer.cancel()) return;
    byName[found.command](found.argument);
  };
  const settleKeys = () => {
    if (!pointer.isBusy) session.settle(); // a drag settles by itself
  };
  scope.listen(canvas, "keydown", onKey);
  scope.listen(canvas, "keyup", (/** @type {KeyboardEvent} */ { key }) => {
    if (!MODIFIERS.includes(key)) settleKeys(); // ">" may be let go as "."
  });
  scope.listen(canvas, "blur", settleKeys);
}
