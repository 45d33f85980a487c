// @ts-check
// The editing of one node: the text, what it means, what is selected, and the gesture that is under way.
//
// A gesture previews (nothing is written), and then settles into one new text and one step of undo, or is cancelled.
// A run that ends meanwhile waits for that: the gesture was made on the result before. No element is touched here.

import { createSignal } from "../events.mjs";
import { framesOf, keyframeAt, PlanError } from "../plan/plan.mjs";
import { sameRate } from "../plan/timebase.mjs";
import { editStatusOf, textWith } from "./edit_status.mjs";
import { ViewState } from "./view_state.mjs";

/** @import { Plan } from "../plan/plan.mjs" */
/** @import { EditStatus, RunResult, ServedFile } from "./edit_status.mjs" */
/** @import { NodeState } from "./view_state.mjs" */

/**
 * @typedef {Object} Host what the editor needs of ComfyUI
 * @property {(text: string) => void} write keeps a text as the widget's value, as one step of undo
 * @property {() => any} [notes] what is kept of the node's notes
 * @property {(value: any, isStep: boolean) => void} [keepNotes] keeps it, as one step of undo if so; null: none
 * @property {(text: string) => void} type the same for text that is being typed: ComfyUI makes the steps of undo
 * @property {() => void} runUpToHere
 * @property {() => boolean} [canRetake] whether there is a node that can paint a stretch of its video again
 * @property {(first: number, last: number) => void} [retake] has it paint the frames from first to last again
 * @property {() => boolean} hasPlan whether a wire comes to the plan input; a plan may come without one
 * @property {() => import("./painted_keyframes.mjs").SheetPayload[]} [sheets] what Keyframe Sheets have painted, the one
 *   to be preferred first
 * @property {() => Promise<File | null>} [pickImage] asks for an image of the artist's computer
 * @property {(file: File) => Promise<string>} [uploadImage] copies an image into the input folder; its name there
 * @property {(file: ServedFile) => string} urlOf the address of a file that a run left
 * @property {(title: string, message: string, value: string) => Promise<string | null>} ask
 * @property {(name: string, content: string | Uint8Array<ArrayBuffer>) => void} save offers a file
 * @property {(event: WheelEvent) => void} leaveWheelToGraph
 */
/** @typedef {(message: string, isProblem: boolean) => void} ShowMessage shows a line to the artist; "": none */
/** @typedef {{ plan: Plan, frames: number[], message?: string }} Outcome the new plan, and where the selection is in it */
/** @typedef {(plan: Plan, frames: number[], ...more: any[]) => Outcome} Action one of actions.mjs */
/** @typedef {Outcome & { held?: { action: Action, from: Outcome, sum: number } }} Draft a gesture under way */

/** The editing of one node. */
export class Session {
  #text = "";
  /** Of the last run that is shown; state.result may be newer while a gesture is under way. @type {RunResult | null} */
  #result = null;
  /** Derived from text and result; null: to be derived. @type {EditStatus | null} */
  #status = null;
  /** @type {Draft | null} */
  #draft = null;
  #host;
  #showMessage;

  /** Text, plan or result have changed. @type {import("../events.mjs").Signal<void>} */
  changed = createSignal();

  /** @param {{ host: Pick<Host, "write" | "type">, showMessage: ShowMessage, state?: ViewState }} parts */
  constructor({ host, showMessage, state = new ViewState() }) {
    this.#host = host;
    this.#showMessage = showMessage;
    this.state = state;
  }

  get text() {
    return this.#text;
  }
  get status() {
    this.#status ??= editStatusOf(this.#text, this.#result);
    return this.#status;
  }
  /** The plan as written, or null. */
  get plan() {
    return this.status.plan;
  }
  /** The plan of the gesture under way, or null. */
  get previewPlan() {
    return this.#draft?.plan ?? null;
  }
  /** What is drawn: the plan of the gesture under way, else the plan as written. */
  get shownPlan() {
    return this.previewPlan ?? this.plan;
  }
  /** Selected frames, ascending: where they are right now. */
  get frames() {
    return this.#draft?.frames ?? ascending(this.state.selection);
  }
  get nFrames() {
    return this.plan?.n_frames ?? this.#result?.n_frames ?? 48;
  }
  get fps() {
    return this.plan?.fps ?? this.#result?.fps ?? 24;
  }
  /** What the last run measured, if it is of the clip that is shown. */
  get measured() {
    const result = this.#result;
    if (result?.n_frames !== this.nFrames) return null;
    return sameRate(result.fps, this.fps, this.nFrames) ? result : null;
  }

  /**
   * Resumes what was seen under this key before.
   * @param {string | null} key
   */
  attach(key) {
    this.state.attach(key);
    this.#draft = null;
    this.#refresh();
  }

  /**
   * A text from outside: a workflow was opened, undone, pasted, or someone typed.
   * @param {string | null | undefined} text
   */
  setText(text) {
    const isNew = (text ?? "") !== this.#text; // ComfyUI also hands back what it was just given
    this.#text = text ?? "";
    if (isNew) this.#draft = null;
    if (!this.#draft) this.#refresh();
  }

  /**
   * A text that is being typed; the steps of undo are ComfyUI's.
   * @param {string} text
   */
  type(text) {
    this.#draft = null;
    this.#text = text;
    this.#refresh();
    this.#host.type(text);
  }

  /**
   * As act, for words that are being typed: each letter is kept at once, so that no run comes without it.
   * @param {Action} action @param {...any} more
   */
  typeAction(action, ...more) {
    const { plan } = this;
    if (!plan || !this.status.canEdit) return this.#showMessage(whyNot(this.status), true);
    this.#attempt(() => {
      const outcome = action(plan, this.frames, ...more);
      this.type(textWith(this.status, outcome.plan));
    });
  }

  /**
   * What a run reported. One that this page cannot read is refused, and the one before stays.
   * @param {RunResult} result @param {NodeState} [of] the place in the prompt that was run, if it is not the one shown
   */
  setResult(result, of = this.state.node) {
    try {
      editStatusOf(this.#text, result);
    } catch (error) {
      if (!(error instanceof PlanError)) throw error;
      this.#showMessage(`This run cannot be shown; reload the page. ${error.message}`, true);
      return;
    }
    if (of !== this.state.node) {
      of.result = result;
      return;
    }
    this.state.setResult(result);
    if (!this.#draft) this.#refresh();
  }

  /**
   * One new text: one step of undo.
   * @param {string} text @param {string} [message] shown to the artist
   */
  write(text, message = "") {
    this.#draft = null;
    const isNew = text !== this.#text;
    this.#text = text;
    this.#refresh();
    if (isNew) this.#host.write(text);
    if (message) this.#showMessage(message, false);
  }

  /**
   * Shows what an action would do to the plan, or to the gesture so far.
   * @param {Action} action @param {...any} more @returns {boolean} whether it can be done
   */
  preview(action, ...more) {
    return this.#attempt(() => {
      const { plan, frames } = this.#draft ?? this.#written();
      this.#draft = action(plan, frames, ...more);
    });
  }

  /**
   * As preview, of a key that is held: does the action once by the sum of its presses, from where they began.
   * @param {Action} action @param {number} delta
   */
  previewHeldKey(action, delta) {
    const start = this.#draft ?? this.#written();
    const before = this.#draft?.held?.action === action ? this.#draft.held : { from: start, sum: 0 };
    const { from, sum } = { from: before.from, sum: before.sum + delta };
    const held = { action, from, sum };
    this.#draft = { ...from, held }; // also when it cannot be done, for further on there may be room
    if (!sum) return this.state.redraw();
    this.#attempt(() => {
      this.#draft = { ...action(from.plan, from.frames, sum), held };
    });
  }

  /**
   * Shows a plan in the making, as a drag makes it.
   * @param {Plan} plan @param {number[]} frames @param {string} message of when it settles
   */
  showPreview(plan, frames, message) {
    this.#draft = { plan, frames, message };
    this.state.redraw();
  }

  /** Ends the gesture: what it shows is written. */
  settle() {
    if (!this.#draft) return;
    const { plan, frames, message } = this.#draft;
    this.#draft = null;
    const { focus } = this.state;
    const isKept = !frames.length || (focus !== null && frames.includes(focus));
    this.state.setSelection(frames, isKept ? focus : frames[0]);
    if (plan === this.plan || !this.status.canEdit) this.#endWithoutText();
    else this.write(textWith(this.status, plan), message);
  }

  cancel() {
    this.#draft = null;
    this.#endWithoutText();
  }

  /**
   * An action as one gesture.
   * @param {Action} action @param {...any} more
   */
  act(action, ...more) {
    if (!this.status.canEdit) return this.#showMessage(whyNot(this.status), true);
    this.#draft = null;
    if (this.preview(action, ...more)) this.settle();
    else this.#endWithoutText();
  }

  /**
   * Selects keyframes, and puts the keyboard on one of them.
   * @param {number[]} frames @param {number | null} [focus]
   */
  select(frames, focus = frames[0] ?? null) {
    const { plan } = this;
    this.state.setSelection(
      frames.filter((frame) => plan && keyframeAt(plan, frame)),
      focus,
    );
  }

  /** The plan as written with the selection; a gesture is begun on an editable plan only. @returns {Outcome} */
  #written() {
    return { plan: /** @type {Plan} */ (this.plan), frames: this.frames };
  }

  /** @param {() => void} doing @returns {boolean} */
  #attempt(doing) {
    try {
      doing();
    } catch (error) {
      if (!(error instanceof PlanError)) throw error;
      this.#showMessage(error.message, true);
      this.state.redraw();
      return false;
    }
    this.state.redraw();
    return true;
  }

  /** After a gesture that wrote nothing. */
  #endWithoutText() {
    if (this.#result === this.state.result) this.state.redraw();
    else this.#refresh();
  }

  #refresh() {
    this.#result = this.state.result;
    this.#status = null;
    const frames = this.plan ? framesOf(this.plan) : [];
    followFrames(this.state, frames);
    this.state.setFrames(frames);
    this.changed.emit();
  }
}

/**
 * Keeps selection and keyboard on keyframes that are there; after undo that is where they were before the move.
 * @param {ViewState} state @param {number[]} frames of all keyframes now
 */
function followFrames(state, frames) {
  const [before, now] = [new Set(state.frames), new Set(frames)];
  const lost = ascending(state.selection).filter((frame) => !now.has(frame));
  if (!lost.length) return;
  const added = frames.filter((frame) => !before.has(frame));
  const kept = [...state.selection].filter((frame) => now.has(frame));
  const isMove = before.size === now.size && lost.length === added.length;
  const places = new Map(isMove ? lost.map((frame, i) => [frame, added[i]]) : []);
  const { focus } = state;
  const isThere = focus === null || now.has(focus);
  state.setSelection(
    [...kept, ...places.values()],
    isThere ? focus : (places.get(focus) ?? ascending(kept)[0] ?? null),
  );
}

/** @param {EditStatus} status @returns {string} */
function whyNot({ plan, message }) {
  if (message) return message;
  return plan ? "These keyframes cannot be changed now." : "There are no keyframes yet: run up to here first.";
}

/** @param {Iterable<number>} frames @returns {number[]} */
function ascending(frames) {
  return [...frames].sort((a, b) => a - b);
}

/**
 * The keyframe before (-1) or after (1) a frame, or the frame itself at the ends.
 * @param {Plan} plan @param {number | null} frame @param {number} step @returns {number}
 */
export function neighbour(plan, frame, step) {
  const frames = framesOf(plan);
  const [first, last] = [frames[0], frames[frames.length - 1]];
  if (frame === null) return step > 0 ? first : last;
  if (step > 0) return frames.find((one) => one > frame) ?? last;
  return frames.findLast((one) => one < frame) ?? first;
}
