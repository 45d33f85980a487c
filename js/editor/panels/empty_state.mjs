// @ts-check
// What the editor says before there is a plan to show: what to do next, with the button that does it.

import { element } from "../dom.mjs";
import { say } from "../words.mjs";

/** @import { Commands } from "../input/commands.mjs" */
/** @import { Host, Session } from "../state/session.mjs" */

const UNCONNECTED =
  "No wire comes to the plan input. Connect the plan of Select Keyframes, or run up to here if it comes without a wire.";
const NOT_RUN = "See the keyframes on the sound, and move them by hand.";

/** @param {number[]} frames @returns {string} */
const typed = (frames) => {
  const list = frames.slice(0, 12).join(", ") + (frames.length > 12 ? " …" : "");
  return `Your frames: ${list}. Run up to here to see them on the sound.`;
};

/**
 * What covers the timeline before there is a plan.
 * @param {{ session: Session, commands: Commands, host: Pick<Host, "hasPlan"> }} parts
 * @returns {{ root: HTMLElement, show: () => void, focus: (options: FocusOptions) => void }}
 */
export function createEmptyState({ session, commands, host }) {
  const words = element("p");
  const start = { type: "button", class: "keyvid-main", onclick: () => commands.run() };
  const run = element("button", start, "Run up to here");
  const more = element("small", {}, "Nothing after this node runs, so it takes seconds.");
  const root = element("div", { class: "keyvid-over keyvid-start" }, words, run, more);

  function show() {
    const { plan, edit, problem } = session.status;
    const isConnected = host.hasPlan();
    root.hidden = plan !== null || problem !== null;
    if (!isConnected) words.textContent = say(UNCONNECTED);
    else words.textContent = say(edit.frames ? typed(edit.frames) : NOT_RUN);
  }
  return { root, show, focus: (options) => run.focus(options) };
}
