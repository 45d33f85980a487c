// @ts-check
// Images dropped on the timeline: on a keyframe they become its own, elsewhere they make one.

import { hit } from "../canvas/geometry.mjs";

/** @import { Hit } from "../canvas/geometry.mjs" */
/** @import { Timeline } from "../canvas/timeline.mjs" */
/** @import { Scope } from "../dom.mjs" */
/** @import { Session } from "../state/session.mjs" */
/** @import { Commands } from "./commands.mjs" */

/**
 * Listens to files that are dragged over a timeline while the scope is attached.
 * @param {{ session: Session, timeline: Timeline, commands: Pick<Commands, "giveImages">, scope: Scope }} parts
 */
export function attachDrop({ session, timeline, commands, scope }) {
  const { canvas } = timeline;

  /** @param {DragEvent} event @returns {Hit} with the slop of a finger: a dragged image hides what is under it */
  const under = (event) => {
    const { x, y } = timeline.place(event);
    return hit(session.plan, timeline.view(), timeline.boxes(), x, y, { touch: true });
  };

  /**
   * On the window and before anyone else: ComfyUI opens an image that is dropped anywhere as a workflow.
   * @param {string} type @param {(event: DragEvent) => void} act
   */
  const listen = (type, act) => {
    const onDrag = (/** @type {DragEvent} */ event) => {
      if (event.target !== canvas || !event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      act(event);
    };
    scope.listen(window, type, onDrag, { capture: true });
  };

  listen("dragover", (event) => {
    if (event.dataTransfer) event.dataTransfer.dropEffect = session.status.canEdit ? "copy" : "none";
    session.state.setHover(session.plan && under(event));
  });
  listen("dragleave", () => session.state.setHover(null));
  listen("drop", (event) => {
    const { frame, at } = under(event);
    session.state.setHover(null);
    const target = frame ?? Math.min(session.nFrames - 1, Math.max(0, Math.round(at)));
    commands.giveImages({ frame: target, files: [...(event.dataTransfer?.files ?? [])] });
  });
}
