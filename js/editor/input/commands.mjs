// Every command by name, for the keyboard, the buttons and the menus alike.

import * as actions from "../state/actions.mjs";
import { fit, panBy, reveal, zoomAt } from "../canvas/geometry.mjs";
import { framesOf } from "../plan/plan.mjs";
import { neighbour } from "../state/session.mjs";
import { UNITS } from "../plan/timebase.mjs";

/**
 * @param {Object} editor {session, host, timeline, playback, say} and, when they are called, input, panel, start,
 *   inspector, openMenu, show, root
 */
export function createCommands(editor) {
  const { session, host, timeline, playback, say } = editor;
  const selected = () => session.frames;
  /** The frame in the middle of what the hand is on: where the keyboard zooms, adds, begins. */
  const here = () => session.state.focus ?? Math.round(session.state.playhead);
  const needsSelection = (doing) => {
    if (selected().length) return doing();
    say("Select a keyframe first: click one, or press the down arrow.", true);
  };
  const setView = (view) => {
    session.state.view = view;
    timeline.redraw();
  };
  const seen = () => session.state.view ?? fit(session.nFrames);
  const goTo = (frame) => {
    session.state.focus = frame;
    if (session.state.view) session.state.view = reveal(session.state.view, frame, session.nFrames);
    timeline.redraw();
  };
  const toggle = (name, on, off) => {
    session.state[name] = !session.state[name];
    playback.follow();
    timeline.redraw();
    say(session.state[name] ? on : off, false);
  };

  const commands = {
    // the keyframes
    nudge(delta) {
      if (!session.status.canEdit) return session.act(actions.move, delta); // which says why not
      if (selected().length) session.hold(actions.move, delta);
      else {
        playback.scrub(Math.round(session.state.playhead) + delta);
        playback.endScrub();
      }
    },
    stretch: (delta) => needsSelection(() => session.status.canEdit && session.hold(actions.stretch, delta)),
    settle: () => session.settle(),
    add: (frame) => session.act(actions.add, frame),
    addHere: () => session.act(actions.add, Math.round(session.state.playhead)),
    remove: () => needsSelection(() => session.act(actions.remove)),
    toggleLock: () => needsSelection(() => session.act(actions.toggleLock)),
    changeKind: (kind) => needsSelection(() => session.act(actions.changeKind, kind)),
    moveTo: (frame) => session.act(actions.moveTo, frame),
    distribute: () => session.act(actions.distribute),
    snapToOnsets: () => session.act(actions.snapToOnsets, session.measured?.onsets),
    async shiftAll() {
      const typed = await host.ask("Shift all keyframes", "By how many frames? Less than 0 is earlier.", "1");
      if (typed === null) return;
      if (/^\s*[-+]?\d+\s*$/.test(typed)) session.act(actions.shift, Number(typed));
      else say(`"${typed}" is no whole number of frames; type one like 3 or -2.`, true);
    },
    reset: () => session.write("", "Back to the prediction. Undo brings the edit back."),

    // the selection
    step(direction) {
      const { plan } = session;
      if (!plan) return;
      const frame = neighbour(plan, session.state.focus, direction);
      session.select([frame]);
      goTo(frame);
    },
    extend(direction) {
      const { plan } = session;
      if (!plan) return;
      const frame = neighbour(plan, session.state.focus, direction);
      session.select([...selected(), frame], frame);
      goTo(frame);
    },
    stepTo(index) {
      const frame = session.plan && framesOf(session.plan).at(index);
      if (frame === null || frame === undefined) return;
      session.select([frame]);
      goTo(frame);
    },
    selectAll: () => session.plan && session.select(framesOf(session.plan), session.state.focus),
    selectNone: () => session.select([]),
    escape() {
      if (editor.input.cancel()) return;
      if (session.previewPlan) session.cancel();
      else if (session.state.panel) commands.togglePanel(null);
      else if (selected().length) session.select([]);
      else timeline.canvas.blur();
    },
    typeFrame: () => needsSelection(() => editor.inspector.focusFrame()),
    /** Gives the keyboard to the timeline, or to what covers it before the first run. */
    focusTimeline: () => (timeline.canvas.inert ? editor.start : timeline.canvas).focus({ preventScroll: true }),

    // the sound
    togglePlay: () => playback.toggle(),
    toggleClick: () => toggle("click", "Clicks at the keyframes.", "No clicks."),
    toggleHalfSpeed() {
      session.state.rate = session.state.rate === 1 ? 0.5 : 1;
      playback.follow();
      timeline.redraw();
      say(session.state.rate === 1 ? "Full speed." : "Half speed.", false);
    },
    toggleLoop() {
      const { state } = session;
      const frames = selected();
      if (!state.isLooping && frames.length > 1) state.loop = [frames[0], frames.at(-1)];
      const { first, span } = seen();
      state.loop ??= [Math.floor(first), Math.min(session.nFrames, Math.ceil(first + span))];
      toggle("isLooping", `Repeats frames ${state.loop[0]} to ${state.loop[1]}.`, "Plays on to the end.");
    },
    loopFrom: () => setLoop(Math.round(session.state.playhead), session.state.loop?.[1] ?? session.nFrames),
    loopTo: () => setLoop(session.state.loop?.[0] ?? 0, Math.round(session.state.playhead)),

    // what is seen
    toggleSnapping: () => toggle("snapping", "Snaps to onsets, peaks and beats.", "Moves by whole frames."),
    setUnit(unit) {
      session.state.unit = unit;
      editor.show();
    },
    nextUnit: () => commands.setUnit(UNITS[(UNITS.indexOf(session.state.unit) + 1) % UNITS.length]),
    zoom(factor) {
      const view = seen();
      const at = session.state.focus ?? session.state.playhead;
      const isSeen = at >= view.first && at <= view.first + view.span;
      setView(zoomAt(view, isSeen ? at : view.first + view.span / 2, factor, session.nFrames));
    },
    pan: (share) => setView(panBy(seen(), share * seen().span, session.nFrames)),
    fit: () => setView(null),
    togglePanel(name, isOpen = session.state.panel !== name) {
      session.state.panel = isOpen ? name : null;
      say("", false);
      editor.show();
      if (session.state.panel) editor.panel.focus();
      else commands.focusTimeline();
    },
    openMenu: () => editor.openMenu(timeline.pointOf(here())),
    run: () => host.runUpToHere(),
  };

  function setLoop(a, b) {
    if (a === b) return say("A loop needs an end after its beginning: move the playhead first.", true);
    session.state.loop = [Math.min(a, b), Math.max(a, b)];
    session.state.isLooping = true;
    playback.follow();
    timeline.redraw();
  }
  return commands;
}
