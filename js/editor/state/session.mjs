// One artist at one node: the text, what it means, what is selected, and the gesture that is under way.
//
// A gesture previews (`preview`, `hold`, `show`: nothing is written), and then settles into one new text and one step
// of undo, or is cancelled. A run that ends meanwhile waits for that: what is in the hand was made on the one before.
// No element is touched here; whoever draws is told through `onChange`.

import { textWith, editStatusOf } from "./edit_status.mjs";
import { keyframeAt, framesOf, PlanError } from "../plan/plan.mjs";
import { sameRate } from "../plan/timebase.mjs";
import { stateOf } from "./view_state.mjs";

/**
 * @param {{write: (text: string) => void}} host keeps the text, as one step of undo
 * @param {(what: "all"|"look") => void} onChange "look": only what is drawn changed, and not what the text says
 * @param {(sentence: string, isProblem: boolean) => void} say tells the artist
 */
export function createSession({ host, onChange, say }) {
  let text = "";
  let result = null; // of the last run that is shown; state.result may be newer while a gesture is under way
  let status = null; // derived from text and result; null: to be derived
  let draft = null; // {plan, frames, said} of the gesture under way, and {action, from, sum} as `held` of a held key

  const session = {
    state: stateOf(null),

    get text() {
      return text;
    },
    get status() {
      status ??= editStatusOf(text, result);
      return status;
    },
    /** The plan as written, or null. */
    get plan() {
      return session.status.plan;
    },
    /** The plan of the gesture under way, or null. */
    get previewPlan() {
      return draft?.plan ?? null;
    },
    /** Selected frames, ascending: where they are right now. */
    get frames() {
      return draft?.frames ?? ascending(session.state.selection);
    },
    get nFrames() {
      return session.plan?.n_frames ?? result?.n_frames ?? 48;
    },
    get fps() {
      return session.plan?.fps ?? result?.fps ?? 24;
    },
    /** What the last run measured, if it is of the clip that is shown. */
    get measured() {
      const isOfIt = result?.n_frames === session.nFrames && sameRate(result.fps, session.fps, session.nFrames);
      return isOfIt ? result : null;
    },

    /** Goes on with what was seen under this key before. */
    attach(key) {
      session.state = stateOf(key);
      draft = null;
      changed();
    },
    /** A text from outside: a workflow was opened, undone, pasted, or someone typed. */
    setText(next) {
      const isNew = (next ?? "") !== text; // ComfyUI also hands back what it was just given
      text = next ?? "";
      if (isNew) draft = null;
      if (!draft) changed();
    },
    /** A text that is being typed; the steps of undo are ComfyUI's. */
    type(next) {
      draft = null;
      text = next;
      changed();
      host.type(text);
    },
    /**
     * What a run reported; state: of the place in the prompt that was run, if it is not the one that is shown. A
     * report that this page cannot read is told, and the one before stays.
     */
    setResult(next, state = session.state) {
      try {
        editStatusOf(text, next);
      } catch (error) {
        if (!(error instanceof PlanError)) throw error;
        return say(`This run cannot be shown; reload the page. ${error.message}`, true);
      }
      state.result = next;
      if (state === session.state && !draft) changed();
    },
    /** One new text: one step of undo. */
    write(next, said = "") {
      draft = null;
      const isNew = next !== text;
      text = next;
      changed();
      if (isNew) host.write(text);
      if (said) say(said, false);
    },

    /** Shows what an action would do to the plan, or to the gesture so far. Nothing is written. */
    preview(action, ...more) {
      const from = draft ?? { plan: session.plan, frames: session.frames };
      return attempt(() => {
        draft = action(from.plan, from.frames, ...more);
      });
    },
    /** As preview, of a key that is held: does the action once by the sum of its presses, from where they began. */
    hold(action, delta) {
      const start = draft ?? { plan: session.plan, frames: session.frames };
      const { from, sum } = draft?.held?.action === action ? draft.held : { from: start, sum: 0 };
      const held = { action, from, sum: sum + delta };
      draft = { ...from, held }; // also when it cannot be done, for further on there may be room
      if (!held.sum) return onChange("look");
      attempt(() => {
        draft = { ...action(from.plan, from.frames, held.sum), held };
      });
    },
    /** Shows a plan in the making, as a drag makes it. */
    show(plan, frames, said) {
      draft = { plan, frames, said };
      onChange("look");
    },
    /** Ends the gesture: what it shows is written. */
    settle() {
      if (!draft) return;
      const { plan, frames, said } = draft;
      draft = null;
      session.state.selection = new Set(frames);
      if (frames.length) session.state.focus = frames.includes(session.state.focus) ? session.state.focus : frames[0];
      if (plan === session.plan || !session.status.canEdit) ended();
      else session.write(textWith(session.status, plan), said);
    },
    cancel() {
      draft = null;
      ended();
    },
    /** An action as one gesture. */
    act(action, ...more) {
      if (!session.status.canEdit) return say(whyNot(session.status), true);
      draft = null;
      if (session.preview(action, ...more)) session.settle();
      else ended();
    },

    /** Selects keyframes, and puts the keyboard on one of them. */
    select(frames, focus = frames[0] ?? null) {
      session.state.selection = new Set(frames.filter((frame) => session.plan && keyframeAt(session.plan, frame)));
      session.state.focus = focus;
      onChange("look");
    },
  };

  function attempt(doing) {
    try {
      doing();
    } catch (error) {
      if (!(error instanceof PlanError)) throw error;
      say(error.message, true);
      onChange("look");
      return false;
    }
    onChange("look");
    return true;
  }

  /** After a gesture that wrote nothing. */
  function ended() {
    if (result === session.state.result) onChange("look");
    else changed();
  }

  function changed() {
    result = session.state.result;
    status = null;
    const { state, plan } = session;
    const frames = plan ? framesOf(plan) : [];
    follow(state, frames);
    state.frames = frames;
    onChange("all");
  }

  return session;
}

/** Keeps selection and keyboard on keyframes that are there; after undo that is where they were before the move. */
function follow(state, frames) {
  const [before, now] = [new Set(state.frames), new Set(frames)];
  const lost = ascending(state.selection).filter((frame) => !now.has(frame));
  if (!lost.length) return;
  const come = frames.filter((frame) => !before.has(frame));
  const kept = [...state.selection].filter((frame) => now.has(frame));
  const isMove = before.size === now.size && lost.length === come.length;
  const places = new Map(isMove ? lost.map((frame, i) => [frame, come[i]]) : []);
  state.selection = new Set([...kept, ...places.values()]);
  if (state.focus === null || now.has(state.focus)) return;
  state.focus = places.get(state.focus) ?? ascending(kept)[0] ?? null;
}

function whyNot({ plan, message }) {
  if (message) return message;
  return plan ? "These keyframes cannot be changed now." : "There are no keyframes yet: run up to here first.";
}

function ascending(frames) {
  return [...frames].sort((a, b) => a - b);
}

/** The keyframe before (-1) or after (1) a frame, or the frame itself at the ends. */
export function neighbour(plan, frame, step) {
  const frames = framesOf(plan);
  if (frame === null) return step > 0 ? frames[0] : frames.at(-1);
  if (step > 0) return frames.find((one) => one > frame) ?? frames.at(-1);
  return frames.findLast((one) => one < frame) ?? frames[0];
}
