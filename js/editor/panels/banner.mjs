// The line above the timeline: what stands between this edit and this clip, and the ways out.

import { element } from "../dom.mjs";
import { PlanError } from "../plan/plan.mjs";
import { keptText, rescaledText } from "../state/edit_status.mjs";

const CLIP = {
  length: "This edit was made for a clip of another length. ",
  rate: "This edit was made for another frame rate. ",
};

/** The banner: {root, show()}; commands: those of commands.mjs. */
export function createBanner({ session, commands, say }) {
  const words = element("span");
  const answers = element("div", { class: "keyvid-row" });
  const root = element("div", { class: "keyvid-banner", role: "status", hidden: true }, words, answers);

  const write = (makeText, said) => () => {
    try {
      session.write(makeText(session.status), said);
    } catch (error) {
      if (!(error instanceof PlanError)) throw error;
      say(error.message, true);
    }
  };
  const choices = {
    keep: [
      "Keep",
      "Keeps what you changed at its time in seconds; the rest follows the new prediction",
      write(keptText, "Kept for this clip."),
    ],
    rescale: ["Rescale", "Stretches or squeezes the edit to this clip's length", write(rescaledText, "Rescaled.")],
    reset: ["Reset", "Forgets the edit and goes back to the prediction", () => commands.reset()],
    text: ["Show text", "Shows the text of the edit, to be mended by hand", () => commands.togglePanel("text", true)],
    run: ["Run up to here", "Runs this node and what it needs, and nothing after it", () => commands.run()],
  };

  const about = () => {
    const { problem, message, prediction, plan, edit } = session.status;
    if (problem === "newer") return { message, offered: [] };
    if (problem === "broken") return { message, offered: ["text", "reset"] };
    if (problem === "length" || problem === "rate") {
      return { message: CLIP[problem] + sizes(edit.plan, prediction), offered: ["keep", "rescale", "reset"] };
    }
    if (problem === "sound") return { message, offered: ["keep", "reset"] };
    if (problem === "frames") return { message, offered: ["keep", "text", "reset"] };
    if (problem) return { message, offered: ["reset"] };
    if (plan && !prediction) {
      const hint = "Not run yet: run up to here for the waveform and the sound.";
      return { message: hint, offered: ["run"], isPlain: true };
    }
    return null;
  };

  let shown = null;
  const show = () => {
    const now = about();
    const key = JSON.stringify(now);
    if (key === shown) return; // a banner read out by a screen reader is not read again for nothing
    shown = key;
    root.hidden = !now;
    if (!now) return;
    root.dataset.kind = now.isPlain ? "hint" : "problem";
    words.textContent = now.message;
    answers.replaceChildren(
      ...now.offered.map((name) => {
        const [label, title, onclick] = choices[name];
        return element("button", { type: "button", class: "keyvid-word", title, onclick }, label);
      }),
    );
  };
  return { root, show };
}

function sizes(plan, prediction) {
  const size = ({ n_frames: nFrames, fps }) => `${nFrames} frames at ${fps} fps`;
  return `It has ${size(plan)}, this clip ${size(prediction)}.`;
}
