// @ts-check
// The line above the timeline: why this edit does not fit this clip, and what can be done.

import { element } from "../dom.mjs";
import { PlanError } from "../plan/plan.mjs";
import { keptText, rescaledText } from "../state/edit_status.mjs";
import { say } from "../words.mjs";

/** @import { Plan } from "../plan/plan.mjs" */
/** @import { Commands } from "../input/commands.mjs" */
/** @import { EditStatus } from "../state/edit_status.mjs" */
/** @import { Session, ShowMessage } from "../state/session.mjs" */

/** @typedef {"keep" | "rescale" | "reset" | "text" | "run"} Choice */
/** @typedef {{ message: string, offered: Choice[], isPlain?: boolean }} Notice isPlain: a hint, not a problem */
/** @typedef {{ session: Session, commands: Commands, showMessage: ShowMessage }} BannerParts */

const CLIP = {
  length: "This edit was made for a clip of another length. ",
  rate: "This edit was made for another frame rate. ",
};

/**
 * The banner, hidden while there is nothing to decide.
 * @param {BannerParts} parts @returns {{ root: HTMLElement, show: () => void }}
 */
export function createBanner(parts) {
  const { session } = parts;
  const words = element("span");
  const buttons = element("div", { class: "keyvid-row" });
  const root = element("div", { class: "keyvid-banner", role: "status", hidden: true }, words, buttons);
  const choices = choicesOf(parts);
  /** @type {string | null} */
  let shown = null;

  function show() {
    const notice = noticeOf(session.status);
    const key = JSON.stringify(notice);
    if (key === shown) return; // a banner read out by a screen reader is not read again for nothing
    shown = key;
    root.hidden = !notice;
    if (!notice) return;
    root.dataset.kind = notice.isPlain ? "hint" : "problem";
    words.textContent = say(notice.message);
    buttons.replaceChildren(
      ...notice.offered.map((name) => {
        const [label, title, onclick] = choices[name];
        return element("button", { type: "button", class: "keyvid-word", title, onclick }, label);
      }),
    );
  }
  return { root, show };
}

/** Label, tooltip and act of each choice. @param {BannerParts} parts @returns {Record<Choice, [string, string, () => void]>} */
function choicesOf({ session, commands, showMessage }) {
  /** @param {(status: EditStatus) => string} makeText @param {string} message */
  const write = (makeText, message) => () => {
    try {
      session.write(makeText(session.status), message);
    } catch (error) {
      if (!(error instanceof PlanError)) throw error;
      showMessage(error.message, true);
    }
  };
  return {
    keep: [
      "Keep",
      "Keeps what you changed at its time in seconds; the rest follows the new prediction",
      write(keptText, "Kept for this clip."),
    ],
    rescale: ["Rescale", "Stretches or squeezes the edit to this clip's length", write(rescaledText, "Rescaled.")],
    reset: ["Reset", "Forgets the edit and goes back to the prediction", () => commands.reset()],
    text: ["Show text", "Shows the text of the edit, to be fixed by hand", () => commands.togglePanel("text", true)],
    run: ["Run up to here", "Runs this node and what it needs, and nothing after it", () => commands.run()],
  };
}

/** @param {EditStatus} status @returns {Notice | null} */
function noticeOf({ problem, message, prediction, plan, edit }) {
  if (problem === "newer") return { message, offered: [] };
  if (problem === "broken") return { message, offered: ["text", "reset"] };
  if ((problem === "length" || problem === "rate") && edit.plan && prediction) {
    return { message: say(CLIP[problem]) + say(sizes(edit.plan, prediction)), offered: ["keep", "rescale", "reset"] };
  }
  if (problem === "sound") return { message, offered: ["keep", "reset"] };
  if (problem === "frames") return { message, offered: ["keep", "text", "reset"] };
  if (problem) return { message, offered: ["reset"] };
  if (plan && !prediction) {
    const hint = "Not run yet: run up to here for the waveform and the sound.";
    return { message: hint, offered: ["run"], isPlain: true };
  }
  return null;
}

/** @param {Plan} plan @param {Plan} prediction @returns {string} */
function sizes(plan, prediction) {
  const size = (/** @type {Plan} */ { n_frames: nFrames, fps }) => `${nFrames} frames at ${fps} fps`;
  return `It has ${size(plan)}, this clip ${size(prediction)}.`;
}
