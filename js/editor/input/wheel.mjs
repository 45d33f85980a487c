// @ts-check
// The wheel: zooms, and with Shift or sideways moves the view.

import { panBy, scaleOf, xToFrame, zoomAt } from "../canvas/geometry.mjs";

/** @import { Timeline } from "../canvas/timeline.mjs" */
/** @import { Scope } from "../dom.mjs" */
/** @import { Host, Session } from "../state/session.mjs" */

const WHEEL_ZOOM = 1.0022; // per pixel of wheel: a notch of 100 zooms by a quarter
const [LINE_PX, PAGE_PX] = [33, 400];

/**
 * Listens to the wheel over a timeline while the scope is attached.
 * @param {{ session: Session, timeline: Timeline, host: Host, scope: Scope }} parts
 */
export function attachWheel({ session, timeline, host, scope }) {
  const { canvas } = timeline;

  // On the window and before anyone else: Nodes 2.0 takes wheels with Ctrl, and sideways ones, for the graph even from
  // an element that has the keyboard. Without the keyboard the wheel is the graph's.
  const onWheel = (/** @type {WheelEvent} */ event) => {
    if (event.target !== canvas) return;
    if (document.activeElement !== canvas) return host.leaveWheelToGraph(event);
    event.preventDefault();
    event.stopImmediatePropagation();
    const unit = event.deltaMode === 1 ? LINE_PX : event.deltaMode === 2 ? PAGE_PX : 1;
    const width = timeline.width();
    const view = timeline.view();
    const isSideways = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
    const turned = unit * (event.deltaY || event.deltaX);
    session.state.setView(
      isSideways
        ? panBy(view, (unit * (event.deltaX || event.deltaY)) / scaleOf(view, width), session.nFrames)
        : zoomAt(view, xToFrame(timeline.place(event).x, view, width), WHEEL_ZOOM ** -turned, session.nFrames),
    );
  };
  scope.listen(window, "wheel", onWheel, { capture: true, passive: false });
}
